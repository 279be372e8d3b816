import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { AfterwordError } from '../domain/errors.ts';
import { readRuntimeFile, runtimeFilePath } from './runtime-file.ts';

export interface Endpoint {
  /** Without a slash at the end. */
  readonly url: string;
  readonly key: string;
}

/** The server's address: --url, AFTERWORD_URL, else what `npm start` wrote. Throws `server_unreachable`. */
export function findUrl(config: Config, urlOption: string | undefined): string {
  if (urlOption !== undefined) return checkedUrl(urlOption);
  if (config.url !== undefined) return config.url;
  const runtime = readRuntimeFile(config.home);
  if (runtime !== undefined) return checkedUrl(runtime.apiUrl);
  throw new AfterwordError(
    'server_unreachable',
    `No server is known: ${runtimeFilePath(config.home)} is not there, and neither --url nor AFTERWORD_URL is given.`,
  );
}

/**
 * The API key: AFTERWORD_API_KEY, else the admin key in AFTERWORD_HOME. That file's key is the local server's own and is
 * sent to no other machine.
 */
export function findKey(config: Config, url: string): string {
  if (config.apiKey !== undefined) return config.apiKey;
  const file = join(config.home, 'admin-key');
  if (!isLocal(url) && readRuntimeFile(config.home)?.apiUrl !== url) {
    throw new AfterwordError('unauthorized', `No API key for ${url}: set AFTERWORD_API_KEY to a key of that server.`);
  }
  const key = readKeyFile(file);
  if (key !== undefined) return key;
  throw new AfterwordError('unauthorized', `No API key: AFTERWORD_API_KEY is not set and ${file} cannot be read.`);
}

export function findEndpoint(config: Config, urlOption: string | undefined): Endpoint {
  const url = findUrl(config, urlOption);
  return { url, key: findKey(config, url) };
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new AfterwordError('invalid_usage', `"${text}" is not an address such as http://127.0.0.1:7700.`);
  }
  return text.replace(/\/+$/, '');
}

function isLocal(url: string): boolean {
  const host = URL.parse(url)?.hostname ?? '';
  return host === 'localhost' || host === '[::1]' || /^127(\.\d+){3}$/.test(host);
}

function readKeyFile(file: string): string | undefined {
  try {
    const key = readFileSync(file, 'utf8').trim();
    return key === '' ? undefined : key;
  } catch {
    return undefined;
  }
}
