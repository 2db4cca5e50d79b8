const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength }) as const

function body(properties: Readonly<Record<string, object>>, required = Object.keys(properties)) {
  return { schema: { body: { type: 'object', additionalProperties: false, required, properties } } }
}

export const echoBody = body({ message: text(200) })
export const newEventBody = body({
  title: text(200),
  startsAt: { type: 'string', format: 'date-time' },
  capacity: { type: 'integer', minimum: 1, maximum: 100_000 },
})
export const invitationBody = body({ eventId: text(255), attendeeId: text(255) })
export const listBody = body({ eventId: text(255), limit: { type: 'integer', minimum: 1, maximum: 1_000 } }, [
  'eventId',
])
export const notesQuery = {
  schema: {
    querystring: {
      type: 'object',
      required: ['limit'],
      properties: { limit: { type: 'integer', minimum: 1, maximum: 1_000 } },
    },
  },
}
