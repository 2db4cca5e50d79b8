type Segments = readonly (string | number)[]

/** Where a part of a JSON Schema is in the values that it describes, such as `guests[].at`. */
export function placeOf(path: Segments): string {
  let place = ''
  for (let at = 0; at < path.length; at += 1) {
    const next = path[at + 1]
    switch (path[at]) {
      case 'properties':
        place += `${place === '' ? '' : '.'}${next}`
        at += 1
        break
      case 'prefixItems':
        place += `[${next}]`
        at += 1
        break
      case 'items':
        place += '[]'
        break
      case 'additionalProperties':
      case 'patternProperties':
        place += `${place === '' ? '' : '.'}*`
        break
      default:
        // An option of a union is at the place of the union.
        break
    }
  }
  return place
}
