/** Which requests answered with failures: what an action returns has no room for it. */
const requestIds = new WeakMap<object, string>()

/** Notes the request that was answered so. */
export function noteRequestId(answer: unknown, requestId: string | undefined): void {
  if (typeof answer === 'object' && answer !== null && requestId !== undefined)
    requestIds.set(answer, requestId)
}

/** Gives the id of the request that was answered so; undefined for what this client was not answered. */
export function requestIdOf(answer: object): string | undefined {
  return requestIds.get(answer)
}
