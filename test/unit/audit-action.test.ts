import { expect, test } from 'vitest';
import { actionOf } from '../../src/api/audit-action.ts';

test.each([
  ['POST', '/api/v1/handlers/:name/enable', 'handlers.enable'],
  ['PUT', '/api/v1/handlers/{name}', 'handlers.set'],
  ['PATCH', '/api/v1/handlers/:name/settings', 'handlers.settings.change'],
  ['DELETE', '/api/v1/secrets/:name', 'secrets.delete'],
  ['POST', '/api/v1/api-keys', 'api-keys.create'],
  ['POST', '/api/v1/executions/rerun', 'executions.rerun'],
  ['PUT', '/api/v1/egress', 'egress.set'],
])('%s %s is %s', (method, path, action) => {
  expect(actionOf(method, path)).toBe(action);
});
