//! Names and lines that were made to break a report: each format keeps them what they are.

use serde_json::Value;

use super::{FORMATS, read, report};
use crate::support::{Place, TOKEN};

const NAMES: [&str; 7] = [
    "=cmd|' /C calc'!A0,\"x\".txt",
    "a\u{1b}]0;owned\u{7}\n::error::x\r\u{202e}.txt",
    "</script><script>alert(1)</script>&amp;.txt",
    "]]>\u{85}<!-- \"'.txt",
    "a|b`c`` [x](x.y) @all #1 ![i](j) *b*.md",
    "100%,col=7::%0A.txt",
    "{0} {{x}} \\ ü 密码.txt",
];

fn place() -> Place {
    let place = Place::new();
    for (number, name) in NAMES.iter().enumerate() {
        // Names with `/` need their folders.
        place.write(name, format!("\u{1b}[2J</script> ::error:: | ` password: Walrus88Timber{number} <b>\r\n"));
    }
    place.write("token.txt", TOKEN);
    place
}

#[test]
fn no_format_lets_control_characters_through() {
    let place = place();
    for format in FORMATS {
        let report = report(&place, &["--format", format]);
        let is_line_end = |character: char| character == '\n' || format == "csv" && character == '\r';
        let harmful = |character: char| !is_line_end(character) && (character.is_control() || character == '\u{202e}');
        let found: String = report.chars().filter(|&character| harmful(character)).collect();
        assert!(found.is_empty(), "{format}: {found:?}");
    }
}

#[test]
fn json_formats_keep_names_exactly() {
    let place = place();
    let paths = |format: &str, list: &str, path: &str| -> Vec<String> {
        let report: Value = serde_json::from_str(&report(&place, &["--format", format])).expect("JSON");
        let list = report.pointer(list).and_then(Value::as_array).expect("a list").clone();
        list.iter().map(|one| one.pointer(path).and_then(Value::as_str).expect("a path").to_owned()).collect()
    };
    let all = [
        paths("gitlab", "/vulnerabilities", "/location/file"),
        paths("codeclimate", "", "/location/path"),
        paths("rdjson", "/diagnostics", "/location/path"),
        paths("json", "/findings", "/occurrences/0/path"),
    ];
    for seen in all {
        for name in NAMES {
            assert!(seen.iter().any(|path| path == name), "{name:?} is not in {seen:?}");
        }
    }
}

#[test]
fn sarif_encodes_names_as_uris() {
    let place = place();
    let log = read(&["sarif"], &report(&place, &["--format", "sarif"]));
    let uris: Vec<&str> = log["runs"][0]["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().expect("a URI"))
        .collect();
    for name in ["%7B0%7D%20%7B%7Bx%7D%7D%20%5C%20%C3%BC%20%E5%AF%86%E7%A0%81.txt", "100%25%2Ccol%3D7%3A%3A%250A.txt"] {
        assert!(uris.contains(&name), "{uris:?}");
    }
}

#[test]
fn workflow_commands_stay_one_to_a_line() {
    let place = place();
    let report = report(&place, &["--format", "github"]);
    assert_eq!(report.lines().count(), NAMES.len() + 1);
    for line in report.lines() {
        let rest = line.strip_prefix("::error ").expect("each line is one command");
        let (properties, _) = rest.split_once("::").expect("properties and a message");
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').expect("a property");
            assert!(["file", "line", "col", "title"].contains(&name) && !value.contains(':'), "{line}");
        }
    }
    assert!(report.contains("file=100%25%2Ccol=7%3A%3A%250A.txt,"), "{report}");
}

#[test]
fn tables_stay_tables() {
    let place = place();
    let records = read(&["csv"], &report(&place, &["--format", "csv"]));
    for record in records.as_array().expect("records") {
        for (name, value) in record.as_object().expect("a record") {
            let value = value.as_str().expect("text");
            assert!(!value.starts_with(['=', '+', '-', '@']), "{name}: {value}");
        }
        assert_eq!(record.as_object().map(serde_json::Map::len), Some(15));
    }
    let report = report(&place, &["--format", "markdown"]);
    let rows: Vec<&str> = report.lines().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(rows.len(), NAMES.len() + 3, "{report}");
    for row in rows {
        let bars = row.match_indices('|').filter(|(at, _)| !row[..*at].ends_with('\\')).count();
        assert_eq!(bars, 6, "{row}");
    }
    assert!(report.contains("| ```a\\|b`c``"), "a name with backticks is in a longer fence: {report}");
}

#[test]
fn xml_and_html_hold_text() {
    let place = place();
    let seen = read(&["junit"], &report(&place, &["--format", "junit"]));
    let names: Vec<&str> = seen["cases"].as_array().expect("cases").iter().map(|case| case[1].as_str().expect("a name")).collect();
    assert!(names.iter().any(|name| name.starts_with("</script><script>alert(1)</script>&amp;.txt:")), "{names:?}");

    let page = read(&["html"], &report(&place, &["--format", "html"]));
    assert_eq!(page["loads"], serde_json::json!([]));
    assert_eq!((&page["tags"]["script"], &page["tags"]["img"], &page["tags"]["b"]), (&2.into(), &Value::Null, &Value::Null));
    let places: Vec<&str> = page["rows"].as_array().expect("rows").iter().map(|row| row[2].as_str().expect("a place")).collect();
    for name in NAMES {
        let shown = sopup::report::safe::line(name);
        assert!(places.iter().any(|place| place.starts_with(&shown)), "{name:?} is not in {places:?}");
    }
    assert!(places.iter().all(|place| !place.contains(sopup::report::safe::is_unsafe)), "{places:?}");
    // The script shows what stands in the page without it.
    for place in places {
        assert!(page["text"].as_str().expect("text").contains(place), "{place:?} is not in {}", page["text"]);
    }
    assert!(page["text"].as_str().expect("text").contains("<script>alert(1)</script>&amp;.txt:1:"), "{}", page["text"]);
}

#[test]
fn a_page_of_a_fleet_holds_text_and_its_first_rows() {
    let secrets: Vec<Value> = (0..300)
        .map(|number| {
            let places: Vec<Value> = (0..number % 6)
                .map(|at| serde_json::json!({"id": NAMES[at], "places": at + 1, "example": format!("{}:1", NAMES[at + 1])}))
                .collect();
            serde_json::json!({
                "fingerprint": format!("{number:024}"), "rule": NAMES[2], "name": "x", "severity": "high", "confidence": "high",
                "redacted": "Wa********", "in_head": number % 2 == 0, "repositories": places,
            })
        })
        .collect();
    let repositories: Vec<Value> = NAMES.iter().map(|id| serde_json::json!({"id": id, "secrets": 1200, "places": 3})).collect();
    let merged = serde_json::json!({"schema": "sopup.fleet/v1", "repositories": repositories, "secrets": secrets, "gone": []});
    let merged: sopup::fleet::Merged = serde_json::from_value(merged).expect("a report");
    let text = sopup::fleet::html(&merged);
    let harmful = |character: char| character != '\n' && sopup::report::safe::is_unsafe(character);
    assert_eq!(text.chars().filter(|&character| harmful(character)).collect::<String>(), "");

    let page = read(&["html"], &text);
    assert_eq!(page["loads"], serde_json::json!([]));
    assert_eq!((&page["tags"]["script"], &page["tags"]["img"], &page["tags"]["b"]), (&2.into(), &Value::Null, &Value::Null));
    // Two heads, the first rows of 300 secrets, and all repositories.
    assert_eq!(page["tags"]["tr"], 2 + 200 + NAMES.len());
    let shown = page["text"].as_str().expect("text");
    assert!(shown.contains("The first 200 of 300; with JavaScript all of them"), "{shown}");
    assert!(shown.contains("<script>alert(1)</script>&amp;.txt") && shown.contains("and 2 more"), "{shown}");
    let tables = page["tables"].as_array().expect("tables");
    assert_eq!((tables[0]["rows"].as_array().map(Vec::len), tables[1]["rows"].as_array().map(Vec::len)), (Some(300), Some(NAMES.len())));
    let is_harmless = |text: &Value| text.as_str().is_none_or(|text| !text.contains(sopup::report::safe::is_unsafe));
    for row in tables.iter().flat_map(|table| table["rows"].as_array().expect("rows")).flat_map(|row| row.as_array().expect("cells")) {
        assert!(is_harmless(row) && row.as_array().is_none_or(|lines| lines.iter().all(is_harmless)), "{row}");
    }
}
