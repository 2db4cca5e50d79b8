/** What an error of the database means for the call that met it. */
export type SqlMeaning =
  /** Another transaction was in the way: the attempt is run again. */
  | 'again'
  /** What is stored already stands against it: 409. */
  | 'conflict'
  /** A value that was sent cannot be stored or worked with: 400. */
  | 'value'
  /** A function or trigger of the app refused it: 400. */
  | 'refused'
  /** A query that tried to write: 405. */
  | 'read only'
  /** It took longer than it may: 504. */
  | 'too late'
  /** The database cannot serve at the moment: 503. */
  | 'away'
  /** Tables and code differ, as they do while a new version is deployed: 503. In the app's own SQL it is a bug. */
  | 'drift'
  /** Nothing that a caller could do better: 500, and the log has the cause. */
  | 'bug'

export interface SqlstateClass {
  /** The first two characters. */
  readonly code: string
  /** PostgreSQL's name for the class. */
  readonly name: string
  /** What its codes mean, also those that later versions add. */
  readonly meaning: SqlMeaning
  readonly why: string
  /** Codes of the class that mean something else. */
  readonly except?: Readonly<Record<string, SqlMeaning>>
}

/** Every class of PostgreSQL's error codes (manual, appendix A), 15 to 18. */
export const SQLSTATE_CLASSES: readonly SqlstateClass[] = [
  { code: '00', name: 'Successful Completion', meaning: 'bug', why: 'is no error' },
  { code: '01', name: 'Warning', meaning: 'bug', why: 'is no error' },
  { code: '02', name: 'No Data', meaning: 'bug', why: 'is no error' },
  { code: '03', name: 'SQL Statement Not Yet Complete', meaning: 'bug', why: 'is not answered to us' },
  { code: '08', name: 'Connection Exception', meaning: 'away', why: 'the connection failed, not the call' },
  {
    code: '09',
    name: 'Triggered Action Exception',
    meaning: 'refused',
    why: 'a trigger of the app raised it',
  },
  { code: '0A', name: 'Feature Not Supported', meaning: 'bug', why: 'the statement is wrong' },
  { code: '0B', name: 'Invalid Transaction Initiation', meaning: 'bug', why: 'the statement is wrong' },
  { code: '0F', name: 'Locator Exception', meaning: 'bug', why: 'the statement is wrong' },
  { code: '0L', name: 'Invalid Grantor', meaning: 'bug', why: 'calls grant nothing' },
  { code: '0P', name: 'Invalid Role Specification', meaning: 'bug', why: 'calls change no role' },
  { code: '0Z', name: 'Diagnostics Exception', meaning: 'bug', why: 'a function of the app is wrong' },
  { code: '10', name: 'XQuery Error', meaning: 'value', why: 'a value does not fit what is done with it' },
  { code: '20', name: 'Case Not Found', meaning: 'bug', why: 'a function of the app is wrong' },
  {
    code: '21',
    name: 'Cardinality Violation',
    meaning: 'bug',
    why: 'a rule or a statement expects one row where there can be several',
  },
  {
    code: '22',
    name: 'Data Exception',
    meaning: 'value',
    why: 'a value does not fit its type, or what a column, check or trigger does with it',
    // The next number of a serial column: no value that is sent would be right.
    except: { '2200H': 'conflict' },
  },
  {
    code: '23',
    name: 'Integrity Constraint Violation',
    meaning: 'value',
    why: 'the record breaks a constraint; where another record stands against it, it is a conflict',
    except: { '23001': 'conflict', '23503': 'conflict', '23505': 'conflict', '23P01': 'conflict' },
  },
  { code: '24', name: 'Invalid Cursor State', meaning: 'bug', why: 'a function of the app is wrong' },
  {
    code: '25',
    name: 'Invalid Transaction State',
    meaning: 'bug',
    why: 'the transaction is used wrongly, but for one that may only read and for limits of time',
    except: { '25006': 'read only', '25P03': 'away', '25P04': 'too late' },
  },
  { code: '26', name: 'Invalid SQL Statement Name', meaning: 'bug', why: 'the session is used wrongly' },
  {
    code: '27',
    name: 'Triggered Data Change Violation',
    meaning: 'bug',
    why: 'a trigger of the app is wrong',
  },
  {
    code: '28',
    name: 'Invalid Authorization Specification',
    meaning: 'away',
    why: 'the database does not let the server in',
  },
  {
    code: '2B',
    name: 'Dependent Privilege Descriptors Still Exist',
    meaning: 'bug',
    why: 'calls drop no objects',
  },
  {
    code: '2D',
    name: 'Invalid Transaction Termination',
    meaning: 'bug',
    why: 'a function of the app is wrong',
  },
  { code: '2F', name: 'SQL Routine Exception', meaning: 'bug', why: 'a function of the app is wrong' },
  { code: '34', name: 'Invalid Cursor Name', meaning: 'bug', why: 'a function of the app is wrong' },
  {
    code: '38',
    name: 'External Routine Exception',
    meaning: 'bug',
    why: 'a function in another language failed; it cannot be told from a refusal',
  },
  {
    code: '39',
    name: 'External Routine Invocation Exception',
    meaning: 'bug',
    why: 'a function of the app is wrong',
  },
  { code: '3B', name: 'Savepoint Exception', meaning: 'bug', why: 'the transaction is used wrongly' },
  {
    code: '3D',
    name: 'Invalid Catalog Name',
    meaning: 'away',
    why: 'the database is gone, or being replaced',
  },
  {
    code: '3F',
    name: 'Invalid Schema Name',
    meaning: 'drift',
    why: 'the schema differs from what the server knows',
  },
  {
    code: '40',
    name: 'Transaction Rollback',
    meaning: 'again',
    why: 'another transaction came first',
    // No one knows whether it happened: it must not happen twice.
    except: { '40003': 'bug' },
  },
  {
    code: '42',
    name: 'Syntax Error or Access Rule Violation',
    meaning: 'bug',
    why: 'the statement or a right of the database role is wrong; a table, column, type or function that is not what the server knows is drift',
    except: {
      '42703': 'drift',
      '42704': 'drift',
      '42804': 'drift',
      '42883': 'drift',
      '42P01': 'drift',
    },
  },
  {
    code: '44',
    name: 'WITH CHECK OPTION Violation',
    meaning: 'value',
    why: 'the record breaks a rule of a view',
  },
  {
    code: '53',
    name: 'Insufficient Resources',
    meaning: 'away',
    why: 'connections or disk are used up',
    // No room to note which transactions overlapped: a long one, anywhere in the cluster, fills it.
    except: { '53200': 'again' },
  },
  {
    code: '54',
    name: 'Program Limit Exceeded',
    meaning: 'value',
    why: 'a value is too large for an index or too deep; columns and arguments are the schema’s',
    except: { '54011': 'bug', '54023': 'bug' },
  },
  {
    code: '55',
    name: 'Object Not In Prerequisite State',
    meaning: 'bug',
    why: 'a function of the app is wrong; a lock that is not to be had, or an object in use, passes',
    except: { '55006': 'away', '55P03': 'again' },
  },
  {
    code: '57',
    name: 'Operator Intervention',
    meaning: 'away',
    why: 'the database stops or starts, or a person ended it',
    except: { '57014': 'too late' },
  },
  {
    code: '58',
    name: 'System Error',
    meaning: 'away',
    why: 'the disk or the system under the database fails; files of an installation that are missing do not come back',
    except: { '58P01': 'bug', '58P02': 'bug', '58P03': 'bug' },
  },
  { code: '72', name: 'Snapshot Failure', meaning: 'again', why: 'the snapshot was too old' },
  { code: 'F0', name: 'Configuration File Error', meaning: 'bug', why: 'is not answered to us' },
  {
    code: 'HV',
    name: 'Foreign Data Wrapper Error',
    meaning: 'bug',
    why: 'a foreign table is declared wrongly; a server behind it that cannot be reached may come back',
    except: { HV00N: 'away' },
  },
  {
    code: 'P0',
    name: 'PL/pgSQL Error',
    meaning: 'bug',
    why: 'a function of the app is wrong; RAISE EXCEPTION is a refusal',
    except: { P0001: 'refused' },
  },
  {
    code: 'XX',
    name: 'Internal Error',
    meaning: 'bug',
    why: 'the database or its files are damaged; an internal error is seen to pass once, with multixacts under foreign keys',
    except: { XX000: 'again' },
  },
]

const CLASSES: ReadonlyMap<string, SqlstateClass> = new Map(
  SQLSTATE_CLASSES.map((known) => [known.code, known]),
)

/** What an SQLSTATE means. A class that PostgreSQL does not have was chosen by a function of the app, to refuse. */
export function meaningOf(sqlstate: string): SqlMeaning {
  const known = CLASSES.get(sqlstate.slice(0, 2))
  if (!known) return 'refused'
  const { except = {}, meaning } = known
  return Object.hasOwn(except, sqlstate) ? (except[sqlstate] ?? meaning) : meaning
}
