/** How long a loop of faults is: in `npm run soak` whole, and short in the tests that everybody runs. */
export function shortened({ short, whole }: { readonly short: number; readonly whole: number }): number {
  return process.env.WHOLE_FAULTS === undefined ? short : whole
}
