//! Wrong input: each case a clear message, a hint and the right exit code.

use crate::support::{Place, Run};

fn refused(run: &Run, message: &str, hint: &str) {
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.contains(message), "no {message:?} in {}", run.stderr);
    assert!(run.stderr.contains(hint), "no {hint:?} in {}", run.stderr);
    assert_eq!(run.stdout, "");
}

#[test]
fn unknown_flags_and_values() {
    let place = Place::new();
    refused(&place.sopup(["scan", "--stagd"]), "unexpected argument '--stagd'", "--staged");
    refused(&place.sopup(["scan", "--format", "xml"]), "invalid value 'xml'", "possible values");
    refused(&place.sopup(["scna"]), "unrecognized subcommand 'scna'", "scan");
    refused(&place.sopup(["scan", "--staged", "--stdin"]), "cannot be used with", "--help");
}

#[test]
fn a_missing_path() {
    refused(&Place::new().sopup(["scan", "no/such/path"]), "cannot scan no/such/path: No such file", "name a file or folder that exists");
}

#[test]
fn rule_files() {
    let place = Place::new();
    let check = |text: &str| {
        place.write("rules/own.yaml", text);
        place.sopup(["scan", "--rules", "rules"])
    };
    let head = "provider: Own\nrules:\n  - id: own-token\n    name: Own token\n    severity: high\n";
    let tail = "    rotate: {steps: [Ask.]}\n    examples: []\n    negatives: []\n";
    refused(
        &check(&format!("{head}    keywords: [own_]\n    pattern: '\\b own_ ( [a-z]{{4}}'\n{tail}")),
        "rules/own.yaml:7: rule `own-token`: not a regular expression",
        "rules check",
    );
    refused(
        &check(&format!("{head}    keywords: [own_]\n    pattern: 'own_ [a-z]+'\n{tail}")),
        "rules/own.yaml:7: rule `own-token`: a match can be endless; write bounded repetitions",
        "hint:",
    );
    refused(
        &check(&format!("{head}    keywords: [other]\n    pattern: 'own_ [a-z]{{9}}'\n{tail}")),
        "rules/own.yaml:6: rule `own-token`: a match need not contain any of the keywords",
        "hint:",
    );
    refused(&check(&format!("{head}    keyword: [own_]\n{tail}")), "rules/own.yaml:6: ", "docs/src/writing-rules.md");
    refused(&check("rules: {"), "rules/own.yaml:", "docs/src/writing-rules.md");
    refused(&place.sopup(["scan", "--rules", "nowhere"]), "cannot read rules from nowhere", "`--rules` takes a folder");
    std::fs::create_dir(place.join("empty")).expect("a folder");
    refused(&place.sopup(["scan", "--rules", "empty"]), "no rule files (*.yaml, *.yml) in empty", "`--rules` takes a folder");
}

#[test]
fn configurations() {
    let place = Place::repository();
    let check = |text: &str| {
        place.write(".sopup.yaml", text);
        place.sopup(["scan"])
    };
    refused(&check("alow: []\n"), ".sopup.yaml:1: unknown field `alow`", "docs/src/configuration.md");
    refused(&check("allow:\n  - paths: ['**']\n"), "entry 1 of `allow`: add a `reason`", "hint:");
    refused(&check("allow:\n  - reason: because\n"), "it would allow everything", "hint:");
    refused(&check("allow:\n  - value: '('\n    reason: x\n"), "`value` is not a regular expression", "hint:");
    refused(&check("allow:\n  - paths: ['[']\n    reason: x\n"), "`[` is not a glob", "hint:");
    refused(
        &check("allow:\n  - paths: [a]\n    reason: x\n    expires: soon\n"),
        ".sopup.yaml:4: entry 1 of `allow`: `expires: soon` is not a date",
        "hint:",
    );
    refused(&check("disable: [no-such-rule]\n"), "`no-such-rule`, which does not exist", "sopup rules list");
    refused(&check("fingerprint_key: short\n"), "shorter than 16 characters", "use a random one");
    refused(&place.sopup(["scan", "--config", "none.yaml"]), "cannot read none.yaml", "--config");
    assert_eq!(place.sopup(["scan", "--no-repo-config"]).code, 0);
}

#[test]
fn reports_that_cannot_be_written() {
    let place = Place::new();
    refused(&place.sopup(["scan", "--output", "no/such/report.json"]), "cannot write no/such/report.json", "name a file in a folder");
    let run = place
        .command()
        .arg("scan")
        .stdout(std::fs::File::options().write(true).open("/dev/full").expect("/dev/full"))
        .output()
        .expect("sopup runs");
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn unknown_rules() {
    let place = Place::new();
    refused(
        &place.sopup(["rules", "show", "github-personal"]),
        "there is no rule `github-personal`",
        "did you mean github-personal-access-token",
    );
    refused(&place.sopup(["rules", "test", "generic-password", "nowhere"]), "cannot read nowhere", "name a readable file");
}

/// `sopup … | head`: the reader has seen enough, and the command ends as it would otherwise.
#[test]
fn a_pipe_that_is_closed_is_no_error() {
    let place = Place::repository();
    let leaks: String = (0..3000).map(|number| format!("DB_PASSWORD_{number}=Walrus{number}Timber88\n")).collect();
    place.write("leaks.env", leaks);
    for (args, code) in [(&["rules", "list"][..], 0), (&["scan"], 1), (&["scan", "--format", "json"], 1), (&["man"], 0)] {
        let mut child = place
            .command()
            .args(args)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .expect("sopup starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("sopup ends");
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(code), ""), "{args:?}");
    }
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let output = place.command().args(["rules", "list"]).stdout(full).output().expect("sopup ends");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"), "{output:?}");
}
