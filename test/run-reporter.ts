// tap's own `jsonstream`, loaded as a file: for a reporter that it knows by name, tap takes what test files write to stderr
// and lets it vanish (and a file that writes more than a pipe holds would wait forever).
export { JSONStream as default } from '@tapjs/reporter';
