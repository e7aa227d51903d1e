"""Judge recorded pages again, without a browser."""

from collections.abc import Sequence

from harness.clock import real_time
from harness.contract.errors import NotRecorded, RecordingError
from harness.contract.findings import Finding, expected_findings
from harness.contract.judging import judge
from harness.contract.listener import Listener
from harness.contract.recording import RECORD_AGAIN, RecordedPage
from harness.contract.reports import PageReport, page_report, rule_report
from harness.contract.rule import Rule, Verdict, skipped


def judge_again(
    pages: Sequence[RecordedPage], rules: Sequence[Rule], listener: Listener, *, strict: bool = False
) -> list[PageReport]:
    """Judge recorded pages by some rules, tell a listener each verdict, and return the reports.

    A page without an address is a built-in page, whose outcomes are expected. `strict` lets a warning fail the run.

    Raises `RecordingError` if the recordings of a page contradict themselves so much that nothing can be said of it.
    """
    return [_judge_page(page, rules, listener, strict=strict) for page in pages]


def _judge_page(page: RecordedPage, rules: Sequence[Rule], listener: Listener, *, strict: bool) -> PageReport:
    expected = expected_findings().get(page.page.name, {}) if page.page.url is None else {}
    try:
        report = page_report(page.page, page.token_urls, page.made)
    except Exception as error:
        raise RecordingError(
            f"The recordings of {page.page.name} contradict themselves ({type(error).__name__}: {error}). {RECORD_AGAIN}"
        ) from error
    for rule in rules:
        began_real_s = real_time.seconds()
        verdict = judge_recorded(rule, page)
        finding = Finding(
            page.page.name,
            rule,
            verdict,
            real_seconds=real_time.seconds() - began_real_s,
            has_expectation=page.page.url is None,
            expected=expected.get(rule.id),
            strict=strict,
        )
        report.rules.append(rule_report(finding, page.made))
        listener.found(report, report.rules[-1])
    return report


def judge_recorded(rule: Rule, page: RecordedPage) -> Verdict:
    """Return the verdict of a rule on a recorded page.

    The verdict is `skipped` if the recordings lack what the rule looks at.
    """
    try:
        return judge(rule, page)
    except NotRecorded as error:
        return skipped(f"This rule could not be judged: {error}. Record the page again with this rule.")
    except Exception as error:
        # Recordings pass the schema and may still contradict themselves, such as after an edit by hand.
        return skipped(
            f"This rule could not be judged: the recordings contradict themselves ({type(error).__name__}: {error}). "
            "Record the page again."
        )
