//! Reports: masked unless asked, harmless for terminals, stable for programs.

use crate::support::{Place, TOKEN};

#[test]
fn human_report() {
    let place = Place::repository();
    place.write("deploy.yml", format!("steps:\n  - run: |\n      export GITHUB_TOKEN={TOKEN}\n")).write("b.txt", TOKEN);
    let run = place.command().args(["scan"]).env("SOPUP_FINGERPRINT_KEY", "0123456789abcdef").output().expect("sopup runs");
    let text = String::from_utf8(run.stdout).expect("UTF-8");
    let text = text.split(" scanned in ").next().expect("a summary");
    insta::assert_snapshot!(text);
}

#[test]
fn json_report() {
    let place = Place::repository();
    place.write("a.env", "X=1\nDB_PASSWORD='Walrus88Timber' # note\n");
    let mut command = place.command();
    let run = command.args(["scan", "--format", "json"]).env("SOPUP_FINGERPRINT_KEY", "0123456789abcdef").output().expect("sopup runs");
    let mut report: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
    report["summary"]["elapsed_ms"] = 0.into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).expect("it was JSON"));
}

#[test]
fn lines_report() {
    let place = Place::new();
    place.write("a.txt", TOKEN).write("b.env", "DB_PASSWORD=Walrus88Timber\n");
    let run = place.sopup(["scan", "--format", "jsonl"]);
    let rules: Vec<String> =
        run.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["rule"].to_string()).collect();
    assert_eq!(rules, ["\"github-personal-access-token\"", "\"generic-password\""]);
}

#[test]
fn no_report_shows_a_secret_unless_asked() {
    let place = Place::new();
    let secrets = [TOKEN, "Walrus88Timber", "Orchid.Meadow.898", "pT4-x"];
    place.write("a.md", format!("`{TOKEN}` and password: Walrus88Timber, postgres://u:Orchid.Meadow.898@db.corp.net password: pT4-x\n"));
    for format in ["human", "json", "jsonl"] {
        for color in ["never", "always"] {
            let run = place.sopup(["scan", "--min-confidence", "low", "--format", format, "--color", color]);
            assert_eq!(run.code, 1);
            for secret in secrets {
                assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret), "{format}: {}", run.stdout);
                assert!(!run.stdout.contains(&secret[secret.len() - 4..]), "{format}: {}", run.stdout);
            }
        }
    }
    let run = place.sopup(["scan", "--show-secrets"]);
    assert!(run.stdout.contains(TOKEN));
    let value = &place.report(["--show-secrets"])["findings"][0]["secret"]["value"];
    assert_eq!(value, TOKEN);
}

#[test]
fn terminals_are_safe_from_names_and_lines() {
    let place = Place::new();
    let name = "a\u{1b}]0;owned\u{7}\n::set-output x\u{202e}.txt";
    place.write(name, format!("\u{1b}[2J\u{9b}31m {TOKEN} \u{1b}[0m\r::error::x\n"));
    for format in ["human", "json", "jsonl"] {
        let run = place.sopup(["scan", "--format", format]);
        assert_eq!(run.code, 1);
        let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!run.stdout.chars().any(harmful), "{format}: {:?}", run.stdout);
        assert!(!run.stdout.lines().any(|line| line.starts_with("::")), "{format}: {}", run.stdout);
    }
    let path = &place.report([])["findings"][0]["occurrences"][0]["path"];
    assert_eq!(path, name);
}

#[test]
fn report_files_belong_to_their_owner_alone() {
    let place = Place::new();
    place.write("a.txt", TOKEN);
    let run = place.sopup(["scan", "--format", "json", "--output", "report.json"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    let metadata = std::fs::metadata(place.join("report.json")).expect("a report");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777, 0o600);
    let text = std::fs::read_to_string(place.join("report.json")).expect("a report");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON")["schema"], "sopup.report/v1");
}

#[test]
fn exit_codes_follow_severity_and_wishes() {
    let place = Place::new();
    place.write("a.md", "AWS account 296733347720\n");
    assert_eq!(place.sopup(["scan"]).code, 1);
    assert_eq!(place.sopup(["scan", "--fail-on", "high"]).code, 0);
    assert_eq!(place.sopup(["scan", "--exit-zero"]).code, 0);
    place.write("b.txt", TOKEN);
    assert_eq!(place.sopup(["scan", "--fail-on", "high"]).code, 1);
    assert_eq!(place.sopup(["scan", "--fail-on", "high", "--exit-zero"]).code, 0);
}

#[test]
fn colour_follows_the_user() {
    let place = Place::new();
    place.write("a.txt", TOKEN);
    let coloured = |args: &[&str], env: &[(&str, &str)]| {
        let output = place.command().arg("scan").args(args).envs(env.iter().copied()).output().expect("sopup runs");
        String::from_utf8(output.stdout).expect("UTF-8").contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn an_access_key_and_its_identifier_are_one() {
    let pair = "AWS_ACCESS_KEY_ID=AKIA4CH4T3UMTBCTWABM\nAWS_SECRET_ACCESS_KEY=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\n";
    let place = Place::new();
    place.write("a.env", pair).write("b.env", format!("# staging\n{pair}"));
    let report = place.report([]);
    let findings = report["findings"].as_array().expect("findings");
    let of = |rule: &str| findings.iter().find(|one| one["rule"] == rule).expect("it is found");
    let (id, secret) = (of("aws-access-key-id"), of("aws-secret-access-key"));
    assert_eq!(id["identifies"], secret["fingerprint"]);
    assert!(secret["identifies"].is_null());
    let shown = place.sopup(["scan"]).stdout;
    assert!(shown.contains("= with AWS access key ID AKIA******** at a.env:1:19"), "{shown}");
    assert!(!shown.contains("[aws-access-key-id]"), "{shown}");

    // Alone in one place, it is a finding of its own.
    place.write("c.env", "AWS_ACCESS_KEY_ID=AKIA4CH4T3UMTBCTWABM\n");
    let report = place.report([]);
    assert!(report["findings"].as_array().expect("findings").iter().all(|one| one["identifies"].is_null()));
}
