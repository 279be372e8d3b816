export { applyRetention } from './apply-retention.ts';
export { conversationEvent } from './conversation-event.ts';
export { redeliverAnalytics } from './redeliver-analytics.ts';
export { runHandlers } from './run-handlers.ts';
