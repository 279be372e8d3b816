import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ConversationChange, CurrentState, HelperCall, HelperCallOutcome } from '../contract/workflow.ts';

export const callHelper = defineUpdate<HelperCallOutcome, [HelperCall]>('callHelper');
export const conversationChanged = defineSignal<[ConversationChange]>('conversationChanged');
export const currentState = defineQuery<CurrentState>('currentState');
