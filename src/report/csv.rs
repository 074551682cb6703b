//! RFC 4180, one record per place. No field starts with what a spreadsheet takes for a formula.

use std::io::{self, Write};

use super::json::{confidence, severity};
use super::rows::rows;
use super::{Context, safe};
use crate::scan::Outcome;

const HEADER: &str = "severity,confidence,rule,name,path,line,column,source,value,commit,date,author,in_head,fingerprint,url\r\n";

pub(super) fn write(out: &mut dyn Write, outcome: &Outcome, context: &Context<'_>) -> io::Result<()> {
    out.write_all(HEADER.as_bytes())?;
    for row in rows(outcome, context) {
        let (rule, at) = (row.finding.rule, row.place.at);
        let in_head = row.place.past.map(|past| past.in_head.to_string()).unwrap_or_default();
        let fields = [
            severity(row.finding.severity),
            confidence(row.finding.confidence),
            rule.id,
            rule.name,
            &row.path,
            &at.start.line.to_string(),
            &at.start.column.to_string(),
            at.origin.source.code(),
            &row.masked(),
            row.commit().unwrap_or_default(),
            &row.date().unwrap_or_default(),
            &row.author,
            &in_head,
            &row.finding.fingerprint.to_string(),
            row.url().unwrap_or_default(),
        ];
        let record: Vec<String> = fields.into_iter().map(field).collect();
        write!(out, "{}\r\n", record.join(","))?;
    }
    Ok(())
}

/// A field that no spreadsheet takes for a formula.
pub fn field(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let text = format!("{}{}", if is_formula { "'" } else { "" }, safe::line(text));
    if text.contains([',', '"', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_no_formulas() {
        assert_eq!(field("a b"), "a b");
        assert_eq!(field("a,\"b\""), "\"a,\"\"b\"\"\"");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(field(formula).starts_with("\"'"), "{formula:?}");
        }
        assert_eq!(field("a\nb"), "a\\u{a}b");
    }
}
