import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';
import type { Api } from './environment.ts';

/** Where the page and its files lie; the server lets them do what it lets nothing else do. */
export const referencePath = '/docs';

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Afterword: the HTTP API</title>
    <link rel="icon" href="docs/favicon-32x32.png">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="reference"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;

const start = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  filter: true,
  validatorUrl: null,
});
`;

/** Of the package, by name: nothing else of it is served. */
const files = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
} as const;

const anHour = 'public, max-age=3600';

/** The reference page, made of /openapi.json by Swagger UI; it asks no host but this server. */
export function serveReferencePage(app: Api): void {
  app.get(referencePath, (c) => c.html(page));
  app.get(`${referencePath}/start.js`, (c) => c.body(start, 200, { 'Content-Type': files['swagger-ui-bundle.js'] }));
  for (const [name, type] of Object.entries(files)) {
    app.get(`${referencePath}/${name}`, async (c) => {
      const bytes = await readFile(join(packageFolder(), name));
      return c.body(new Uint8Array(bytes), 200, { 'Content-Type': type, 'Cache-Control': anHour });
    });
  }
}

function packageFolder(): string {
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
