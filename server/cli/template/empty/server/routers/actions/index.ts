export { writeNote } from './write-note.ts'
