import {
  createHttpGateway,
  type HttpGateway,
  type HttpGatewayOptions,
} from '../../src/sandbox/http-gateway/gateway.ts';

/** Handlers may reach the stand-ins that a test starts on this machine. */
export const toStandIns: HttpGatewayOptions = { openNetworks: ['127.0.0.1'], origins: new Map() };

export function gatewayToStandIns(): HttpGateway {
  return createHttpGateway(toStandIns);
}
