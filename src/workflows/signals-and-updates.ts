import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ConversationChange, CurrentState, HelperCall, HelperCallOutcome } from '../contract/workflow.ts';

export const callHelper = defineUpdate<HelperCallOutcome, [HelperCall]>('callHelper');
/** The id of one execution, which ends as cancelled; the others of its event go on. */
export const cancelExecution = defineSignal<[string]>('cancelExecution');
export const conversationChanged = defineSignal<[ConversationChange]>('conversationChanged');
export const currentState = defineQuery<CurrentState>('currentState');
