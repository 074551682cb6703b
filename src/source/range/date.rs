//! Points in time as people write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

const DAY: i64 = 24 * 60 * 60;

/// Seconds since 1970 of `2026-01-31`, `2026-01-31T12:00:00Z` (without a zone: UTC), `2 weeks ago`,
/// `2.weeks.ago` or `yesterday`; `None` for anything else. Months count 30 days, years 365.
pub(super) fn parse(text: &str, now: i64) -> Option<i64> {
    let text = text.trim();
    if text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-') {
        let instant = text.parse::<Timestamp>().ok();
        let plain = || Some(text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
        return instant.or_else(plain).map(Timestamp::as_second);
    }
    let words: Vec<_> = text.split([' ', '.']).filter(|word| !word.is_empty()).collect();
    match words[..] {
        ["yesterday"] => now.checked_sub(DAY),
        [count, unit, "ago"] => now.checked_sub(count.parse::<u32>().map(i64::from).ok()?.checked_mul(seconds(unit)?)?),
        _ => None,
    }
}

fn seconds(unit: &str) -> Option<i64> {
    Some(match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => DAY,
        "week" => 7 * DAY,
        "month" => 30 * DAY,
        "year" => 365 * DAY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_spans() {
        let now = 1_800_000_000;
        for (text, expected) in [
            ("2026-01-31", Some(1_769_817_600)),
            ("2026-01-31T12:00:00Z", Some(1_769_860_800)),
            ("2026-01-31T12:00:00+01:00", Some(1_769_857_200)),
            ("2026-01-31 12:00:00", Some(1_769_860_800)),
            ("yesterday", Some(now - DAY)),
            ("2 weeks ago", Some(now - 14 * DAY)),
            ("1.month.ago", Some(now - 30 * DAY)),
            ("2026-13-31", None),
            ("main", None),
            ("20260131", None),
            ("v1.2.3", None),
            ("-2 weeks ago", None),
        ] {
            assert_eq!(parse(text, now), expected, "{text}");
        }
    }
}
