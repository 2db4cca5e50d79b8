// The app's: a check that several actions share. No action itself.
import { type ActionContext, type ActionTools, fail, ok } from '../../authoring.ts'

/** Reads an event for its creator or the app's owner; anyone else is refused. */
export async function ownEvent(ctx: ActionContext<Pick<ActionTools, 'get'>>, eventId: string) {
  const event = await ctx.tools.get('events', eventId)
  if (!event.success) return event
  const { record } = event.data
  if (record.createdBy !== ctx.userId && !ctx.isOwner)
    return fail('FORBIDDEN', "Only the event's creator may do this.")
  return ok({ event: record })
}
