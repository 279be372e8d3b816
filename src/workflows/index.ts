export { conversationEvent } from './conversation-event.ts';
export { runHandlers } from './run-handlers.ts';
