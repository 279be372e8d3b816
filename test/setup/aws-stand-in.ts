import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface AwsStandIn {
  readonly url: string;
  close(): void;
}

/** Of AWS as much as hands out one secret: STS to take a role, Secrets Manager to read it. */
export async function startAwsStandIn(secret: object): Promise<AwsStandIn> {
  const server = createServer((request, response) => {
    void text(request).then(() => {
      if (request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue') {
        const answer = { Name: 'secret', SecretString: JSON.stringify(secret), VersionStages: ['AWSCURRENT'] };
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
      } else response.writeHead(200, { 'content-type': 'text/xml' }).end(assumedRole);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const assumedRole = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>a-key-id</AccessKeyId><SecretAccessKey>of-tests</SecretAccessKey><SessionToken>of-tests</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;
