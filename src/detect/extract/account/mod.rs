//! Account numbers of AWS: by grammar, not by twelve digits.
//!
//! ARNs, registry and queue host names, names and words that say "account", and every other
//! place of a number that one of these confirmed. Not secret alone, but worth a parameter.

mod public;

use std::collections::BTreeSet;

use crate::detect::search::Search;
use crate::detect::syntax::columns::{Column, Purpose};
use crate::detect::syntax::named::Label;
use crate::detect::syntax::page::Page;
use crate::detect::syntax::quote::before_quote;
use crate::detect::syntax::{field, table};
use crate::detect::worth::validator;
use crate::detect::{Match, Reason};
use crate::rule::lexicon::{ACCOUNT_COLUMNS, ACCOUNT_WORDS};
use crate::rule::{Confidence, Extractor, Matcher, RuleSet, Validator};
use crate::text::{Span, work};

/// A cue for an account number was seen.
pub(in crate::detect) fn read(search: &mut Search<'_>, hit: Span) {
    let cue = search.bytes(hit).to_ascii_lowercase();
    match cue.as_slice() {
        b"arn:aws" => arn(search, hit),
        b".dkr.ecr." | b".signin.aws." => host(search, hit),
        b"amazonaws.com/" => queue(search, hit),
        cue if cue.ends_with(b"-") => bucket(search, hit),
        _ => named(search, hit),
    }
}

/// `arn:partition:service:region:account:resource`
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>).
fn arn(search: &mut Search<'_>, hit: Span) {
    let end = search.line_around(hit.start).end.min(hit.start + 128);
    let rest = &search.text[hit.start..end];
    // The publisher of an application that anybody may install.
    if rest.splitn(4, |&byte| byte == b':').nth(2) == Some(b"serverlessrepo") {
        return;
    }
    // `arn:aws:lambda:us-east-1:027255383542:layer:AWS-AppConfig-Extension:82`: what AWS itself publishes.
    if memchr::memmem::find(rest, b":layer:AWS").is_some() {
        return;
    }
    let mut colons = memchr::memchr_iter(b':', rest).skip(3);
    let (Some(before), Some(after)) = (colons.next(), colons.next()) else { return };
    confirm(search, Span::new(hit.start + before + 1, hit.start + after), Reason::Arn);
}

/// `account.dkr.ecr.region.amazonaws.com`, `account.signin.aws.amazon.com`.
fn host(search: &mut Search<'_>, hit: Span) {
    search.look(Span::new(hit.start.saturating_sub(13), hit.end));
    if let Some(start) = hit.start.checked_sub(12) {
        confirm(search, Span::new(start, hit.start), Reason::Arn);
    }
}

/// `sqs.region.amazonaws.com/account/queue`.
fn queue(search: &mut Search<'_>, hit: Span) {
    search.look(Span::new(hit.start, hit.end + 13));
    if search.text.get(hit.end + 12) == Some(&b'/') {
        confirm(search, Span::new(hit.end, hit.end + 12), Reason::Arn);
    }
}

/// `aws-athena-query-results-ACCOUNT-eu-west-1`, `cdk-hnb659fds-assets-ACCOUNT-eu-west-1`, `sagemaker-eu-west-1-ACCOUNT`: what
/// services and tools of AWS call what they make in an account.
fn bucket(search: &mut Search<'_>, hit: Span) {
    const REACH: usize = 48;
    search.look(Span::new(hit.start, hit.end + REACH));
    let rest = &search.text[hit.end..search.text.len().min(hit.end + REACH)];
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    let parts: Vec<&[u8]> = rest[..name].split(|byte| *byte == b'-').collect();
    let digits = |part: &[u8]| part.len() == 12 && part.iter().all(u8::is_ascii_digit);
    let is_region = |parts: &[&[u8]]| matches!(parts, [[b'a'..=b'z', b'a'..=b'z'], place, [b'1'..=b'9'], ..] if place.len() > 3);
    let Some(at) = parts.iter().position(|part| digits(part)) else { return };
    if is_region(&parts[at + 1..]) || at >= 3 && is_region(&parts[at - 3..]) {
        let start = hit.end + parts[..at].iter().map(|part| part.len() + 1).sum::<usize>();
        confirm(search, Span::new(start, start + 12), Reason::Arn);
    }
}

fn confirm(search: &mut Search<'_>, span: Span, reason: Reason) {
    if number(search.text, span).is_some_and(|number| !public::is_public(&number)) {
        search.found(Extractor::AwsAccount, span, Confidence::High, vec![reason]);
    }
}

/// `aws_account_id = "…"`, `AWS account …`, `| Account ID |` and the column below.
fn named(search: &mut Search<'_>, hit: Span) {
    let whole = search.line_around(hit.start);
    let behind = numbers_behind(search.text, hit.end, whole.end);
    let says_id = says_id(&search.text[hit.end..whole.end]);
    let purpose = if says_id { Purpose::AccountIds } else { Purpose::Accounts };
    let spans = match behind.is_empty() {
        false => behind,
        true => match value_beside(search, whole, hit) {
            Some(span) => vec![span],
            None => match account_column(search, whole, hit.start, purpose) {
                Column::Known => return,
                column => column.cells(),
            },
        },
    };
    let spans = if spans.is_empty() && says_accounts(search.text, hit) { listed(search, whole) } else { spans };
    for span in spans {
        let Some(number) = number(search.text, span) else { continue };
        let confidence = match (mentions_aws(search), says_id) {
            (true, _) => Confidence::High,
            (false, true) => Confidence::Medium,
            (false, false) => continue,
        };
        if !public::is_public(&number) && !is_timestamp(&number) {
            search.found(Extractor::AwsAccount, span, confidence, vec![Reason::AccountName]);
        }
    }
}

/// The value of a name in a field of its own: `name: AWS_ACCOUNT_ID` and `value: "…"`, or in a declaration:
/// `variable "account_id" { default = "…" }`.
fn value_beside(search: &Search<'_>, line: Span, hit: Span) -> Option<Span> {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = search.text[line.start..hit.start].iter().rev().take_while(|byte| part(byte)).count();
    let behind = search.text[hit.end..line.end].iter().take_while(|byte| part(byte)).count();
    let name = Span::new(hit.start - before, hit.end + behind);
    let label = Label { name, line };
    field::value_of(search, label).or_else(|| field::declared(search, label)).map(|value| value.span)
}

/// `accounts` or `account_ids`, as words of their own or at the end of a name: a list of them may be near.
fn says_accounts(text: &[u8], hit: Span) -> bool {
    let before = hit.start.checked_sub(1).map(|at| text[at]);
    let rest = &text[hit.end..text.len().min(hit.end + 6)].to_ascii_lowercase();
    let behind = [&b"s"[..], b"_ids", b"-ids", b" ids", b"ids"].iter().find_map(|plural| rest.strip_prefix(*plural));
    let free = |byte: Option<u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    free(before) && behind.is_some_and(|rest| free(rest.first().copied()))
}

/// The numbers of a list or mapping below or above a line: `- prod: 1…`, `dev: "1…"`.
fn listed(search: &Search<'_>, line: Span) -> Vec<Span> {
    const LINES: usize = 16;
    let mut found = Vec::new();
    for step in [Page::line_after, Page::line_before] {
        let mut next = step(search, line);
        let mut others = 0;
        for _ in 0..LINES {
            let Some(span) = next.filter(|_| others < 3) else { break };
            match listed_number(search.text, span) {
                Some(number) => found.push(number),
                None => others += 1,
            }
            next = step(search, span);
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// The number that a line ends with, behind a label.
fn listed_number(text: &[u8], line: Span) -> Option<Span> {
    let bytes = text[line.range()].trim_ascii_end();
    let marks = bytes.iter().rev().take_while(|byte| matches!(byte, b'"' | b'\'' | b'`' | b',' | b'*' | b')')).count();
    let digits = bytes[..bytes.len() - marks].iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
    let end = line.start + bytes.len() - marks;
    let span = Span::new(end - digits, end);
    let label = text[line.start..span.start].trim_ascii_end();
    let label = before_quote(label).or(label.strip_suffix(b"`")).unwrap_or(label).trim_ascii_end();
    let labelled = label.len() < 80 && matches!(label.last(), Some(b':' | b'=' | b'-' | b'*' | b'('));
    (labelled && number(text, span).is_some()).then_some(span)
}

/// The cells below "Account", or, if those are names, below the "ID" or "Number" beside it.
fn account_column(search: &Search<'_>, header: Span, at: usize, purpose: Purpose) -> Column {
    let names = |column: &Column| match column {
        Column::Cells(cells) => !cells.iter().any(|&cell| number(search.text, cell).is_some()),
        Column::Absent | Column::Known => false,
    };
    let column = table::column(search, header, at, purpose);
    if !names(&column) {
        return column;
    }
    table::header_cells(search, header)
        .find(|&cell| ACCOUNT_COLUMNS.is(search.bytes(cell)))
        .map_or(column, |cell| table::column(search, header, cell.start, purpose))
}

/// `account ID`, `accountId`, `account_ids`.
fn says_id(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(b"_").or(rest.strip_prefix(b"-")).unwrap_or(rest);
    let Some((id, rest)) = rest.split_at_checked(2) else { return false };
    let rest = rest.strip_prefix(b"s").unwrap_or(rest);
    id.eq_ignore_ascii_case(b"id") && rest.first().is_some_and(|next| !next.is_ascii_lowercase())
}

/// Account numbers that follow the word on its line, with nothing but a name's end, connecting
/// words and punctuation between.
fn numbers_behind(text: &[u8], start: usize, end: usize) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = start;
    let mut word_start = start;
    while at <= end && at - start < 96 {
        let byte = text.get(at).copied().filter(|_| at < end).unwrap_or(b' ');
        if byte.is_ascii_digit() {
            let length = text[at..end].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
            let span = Span::new(at, at + length);
            if number(text, span).is_none() {
                break;
            }
            found.push(span);
            at = span.end;
            word_start = at;
            continue;
        }
        if !byte.is_ascii_alphabetic() {
            let word = String::from_utf8_lossy(&text[word_start..at]).to_lowercase();
            let ends_list = matches!(byte, b';' | b'.') && !found.is_empty();
            if !(word.is_empty() || ACCOUNT_WORDS.has(&word)) || ends_list {
                break;
            }
            word_start = at + 1;
        } else if byte.is_ascii_uppercase() && at > word_start && text[at - 1].is_ascii_lowercase() {
            word_start = at;
        }
        at += 1;
    }
    if !found.is_empty() {
        found.extend(others(text, at, end));
    }
    found
}

/// More numbers of the same line, as in `prod is X (eu-west-1), staging is Y`.
fn others(text: &[u8], start: usize, end: usize) -> Vec<Span> {
    const JOINTS: [&[u8]; 9] = [b" is", b" are", b":", b"=", b"(", b" and", b"->", "→".as_bytes(), "–".as_bytes()];
    let mut found = Vec::new();
    let mut at = start;
    while at < end {
        let length = text[at..end].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'-').count();
        let before = text[start..at].trim_ascii_end();
        if length >= 12 && number(text, Span::new(at, at + length)).is_some() && JOINTS.iter().any(|joint| before.ends_with(joint)) {
            found.push(Span::new(at, at + length));
        }
        at += length.max(1);
    }
    found
}

/// The twelve digits of a span that stands free of other digits and letters, dashes removed.
fn number(text: &[u8], span: Span) -> Option<String> {
    let bytes = text.get(span.range())?;
    let dashed = bytes.len() == 14 && bytes[4] == b'-' && bytes[9] == b'-';
    let digits: String = bytes.iter().filter(|byte| byte.is_ascii_digit()).map(|&byte| char::from(byte)).collect();
    if digits.len() != 12 || !dashed && bytes.len() != 12 {
        return None;
    }
    let joins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let before = span.start.checked_sub(1).and_then(|at| text.get(at)).is_some_and(joins);
    let after = text.get(span.end).is_some_and(joins);
    (!before && !after).then_some(digits)
}

/// `202401181435`: a date and a time.
fn is_timestamp(number: &str) -> bool {
    let part = |from: usize, to: usize| number[from..to].parse::<u32>().unwrap_or(u32::MAX);
    (2000..2040).contains(&part(0, 4))
        && (1..=12).contains(&part(4, 6))
        && (1..=31).contains(&part(6, 8))
        && part(8, 10) < 24
        && part(10, 12) < 60
}

fn mentions_aws(search: &mut Search<'_>) -> bool {
    let text = search.text;
    search.depend(Span::new(0, text.len()));
    *search.mentions_aws.get_or_insert_with(|| {
        work::add(text.len());
        const MARKS: [&[u8]; 6] = [b"aws", b"AWS", b"Aws", b"amazon", b"Amazon", b"arn:"];
        MARKS.iter().any(|mark| {
            memchr::memmem::find_iter(text, mark).any(|at| {
                let before = at.checked_sub(1).map_or(b' ', |before| text[before]);
                !before.is_ascii_lowercase() || mark[0].is_ascii_uppercase()
            })
        })
    })
}

/// Reports every other place of the confirmed numbers, and of those inside access key IDs.
pub(in crate::detect) fn spread(text: &[u8], rules: &RuleSet, matches: &mut Vec<Match>) {
    let Some(rule) = rules.extractor(Extractor::AwsAccount) else { return };
    let mut numbers: BTreeSet<String> = BTreeSet::new();
    for found in matches.iter() {
        let known = if found.rule == rule {
            number(text, found.span)
        } else {
            let decodes = matches!(rules.rule(found.rule).matcher, Matcher::Pattern(_))
                && rules.rule(found.rule).validators.contains(&Validator::AwsAccessKeyId);
            decodes.then(|| validator::aws_account(&text[found.span.range()]).flatten()).flatten().map(|account| format!("{account:012}"))
        };
        numbers.extend(known.filter(|known| !public::is_public(known)));
    }
    if numbers.is_empty() {
        return;
    }
    matches.extend(numbers_of(text).filter(|(number, _)| numbers.contains(number)).map(|(_, span)| Match {
        rule,
        span,
        confidence: Confidence::High,
        reasons: vec![Reason::SeenAsAccount],
    }));
}

/// Everything in a text that has the form of an account number.
fn numbers_of(text: &[u8]) -> impl Iterator<Item = (String, Span)> {
    work::add(text.len());
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let starts = (0..text.len()).filter(move |&at| digit(at) && !(at > 0 && digit(at - 1)));
    starts.flat_map(|at| [12, 14].map(|length| Span::new(at, at + length))).filter_map(|span| Some((number(text, span)?, span)))
}

#[cfg(test)]
mod tests {
    use crate::detect::{Hints, Match, detect};
    use crate::rule::builtin;

    fn found(text: &str) -> Vec<String> {
        let rules = builtin();
        let of_account = |found: &Match| rules.rule(found.rule).id == "aws-account-id";
        detect(text.as_bytes(), Hints::NONE, &rules).iter().filter(|m| of_account(m)).map(|m| text[m.span.range()].to_owned()).collect()
    }

    #[test]
    fn every_usual_form() {
        for text in [
            "arn:aws:iam::296733347720:role/ci",
            "296733347720.dkr.ecr.eu-west-1.amazonaws.com/app",
            "AWS account 296733347720 is ours",
            "AWS_ACCOUNT_ID=296733347720",
            "awsAccountId: \"296733347720\"",
            "aws: Account ID: `296733347720`",
            "https://sqs.eu-west-1.amazonaws.com/296733347720/jobs",
            "allowed_account_ids = [\"296733347720\"]",
            "AWS account 2967-3334-7720",
            "https://296733347720.signin.aws.amazon.com/console",
            "aws_accounts:\n  prod: \"296733347720\"\n",
            "aws_account_ids = {\n  prod = \"296733347720\"\n}\n",
            "AWS\n\n| Account | ID | For |\n|---|---|---|\n| prod | 296733347720 | all |\n",
            "AWS\n\n| Env | Account |\n|---|---|\n| prod | 296733347720 |\n",
        ] {
            let digits: Vec<String> = found(text).iter().map(|f| f.replace('-', "")).collect();
            assert_eq!(digits, ["296733347720"], "{text}");
        }
    }

    #[test]
    fn a_confirmed_number_is_found_elsewhere() {
        assert_eq!(found("arn:aws:iam::296733347720:role/a\n| staging | 296733347720 |").len(), 2);
    }

    #[test]
    fn other_numbers_and_public_ones() {
        for text in [
            "const id = 'x'; // account 952349168697",
            "AWS account 123456789012",
            "arn:aws:iam::aws:policy/ReadOnly",
            "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/pause",
            "AWS build 202401181435",
            "Account",
            "Accounts of AWS\n",
            "AWS account at 202401181435",
            "aws order 989299518566",
            "aws 136f5b1f-50d3-4c2a-a855-296733347720",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
