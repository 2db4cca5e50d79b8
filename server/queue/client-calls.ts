/** Counts the calls of clients that a server has under way. */
export class ClientCalls {
  inFlight = 0
}
