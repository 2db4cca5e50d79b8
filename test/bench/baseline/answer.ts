/** What a route answers: a status, and a body in the form that all answers have. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

export function ok(data: unknown): Answer {
  return { status: 200, body: { success: true, data } }
}

export function refused(status: number, code: string, error: string): Answer {
  return { status, body: { success: false, error, code } }
}
