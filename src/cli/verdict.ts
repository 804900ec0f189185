import type { VerificationReport } from '../image/verify.ts';
import { sanitizeLine } from './sanitize.ts';
import { table } from './table.ts';
import type { Paint } from './terminal.ts';
import { shortDigest } from './units.ts';

/** The images of a reference, judged; `unknown` are platforms of which EdgeBuild has no row to judge by. */
export interface Verdict {
  readonly reports: readonly VerificationReport[];
  readonly unknown: readonly string[];
}

/** What was found in each image, and why it passes or fails. */
export const verdictLines = ({ reports, unknown }: Verdict, paint: Paint): readonly string[] => [
  ...reports.flatMap((report) => reportLines(report, paint)),
  ...unknown.map((name) => `${sanitizeLine(name)}: not judged: EdgeBuild does not know this platform`),
];

const reportLines = (report: VerificationReport, paint: Paint): readonly string[] => [
  `${report.platform}  ${shortDigest(report.digest)}`,
  ...table(
    report.checks.map((check) => [
      check.passed ? '  ok  ' : '  FAIL',
      check.name,
      sanitizeLine(check.detail),
    ]),
  ),
  report.passed
    ? `${paint('green', 'passed')}: ${sanitizeLine(report.message)}`
    : `${paint('red', 'failed')}: ${sanitizeLine(report.message)}`,
];
