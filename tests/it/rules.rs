//! `sopup rules`, completions and manual pages.

use crate::support::{Place, TOKEN};

#[test]
fn every_built_in_rule_holds_against_its_examples() {
    let run = Place::new().sopup(["rules", "check"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.contains("shapes hold against their examples"));
}

#[test]
fn there_are_rules_for_what_leaks_most() {
    let run = Place::new().sopup(["rules", "list"]);
    assert!(run.stdout.lines().count() >= 120);
    for provider in [
        "aws",
        "google-cloud",
        "azure",
        "github",
        "gitlab",
        "slack",
        "stripe",
        "npm",
        "pypi",
        "docker",
        "openai",
        "anthropic",
        "private-key",
        "jwt",
    ] {
        assert!(run.stdout.lines().any(|line| line.starts_with(provider)), "{provider}");
    }
}

#[test]
fn a_failing_rule_fails_the_check() {
    let place = Place::new();
    place.write(
        "rules/own.yaml",
        "provider: Own\nrules:\n  - id: own-token\n    name: Own token\n    severity: high\n    keywords: [own_]\n    pattern: 'own_ [a-z]{9}'\n    rotate: {steps: [Ask.]}\n    examples: ['own_abcdefghi', 'x «own_qwrtzplkm»']\n    negatives: ['a own_zzqqwwxxv']\n",
    );
    let run = place.sopup(["rules", "check", "--rules", "rules"]);
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("does not mark its secret") && run.stdout.contains("in its negative"), "{}", run.stdout);
}

#[test]
fn an_own_rule_needs_an_id_a_pattern_and_an_example() {
    let place = Place::repository();
    let rule = |example: &str| {
        format!("rules:\n  - id: acme-token\n    pattern: '(?<secret> acme_ [0-9a-z]{{20}} )'\n    examples: [{example}]\n")
    };
    place.write(".sopup.yaml", rule("'«acme_h3k9x0w7v5q2m8n4b6c1»'")).write("a.txt", "zz acme_q2w9e4r7t1y6u3i8o5p0\n");
    let run = place.sopup(["scan", "--worktree"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("high[acme-token]: acme-token (high confidence)\n --> a.txt:1:4"), "{}", run.stdout);
    let shown = place.sopup(["rules", "show", "acme-token"]);
    assert!(shown.code == 0 && shown.stdout.contains("Revoke it where it was issued"), "{}{}", shown.stdout, shown.stderr);
    place.write(".sopup.yaml", "rules:\n  - id: hex\n    pattern: '[0-9a-f]{32}'\n    examples: []\n");
    let run = place.sopup(["scan", "--worktree"]);
    assert!(run.code == 2 && run.stderr.contains("add `keywords`"), "{}", run.stderr);
}

#[test]
fn a_name_that_is_nearly_a_rule_gets_a_proposal() {
    let run = Place::new().sopup(["rules", "show", "generic-pasword"]);
    assert!(run.code == 2 && run.stderr.contains("did you mean generic-password"), "{}", run.stderr);
}

#[test]
fn own_rules_are_used_and_replace_built_in_ones() {
    let place = Place::repository();
    let rule = |id: &str, word: &str| {
        format!(
            "  - id: {id}\n    name: Own token\n    severity: low\n    keywords: [{word}]\n    pattern: '{word} [a-z0-9]{{12}}'\n    rotate: {{steps: [Ask.]}}\n    examples: []\n    negatives: []\n"
        )
    };
    place.write(".sopup.yaml", format!("rules:\n{}", rule("own-token", "own_"))).write("a.txt", "own_q1w2e3r4t5z6\n");
    assert_eq!(place.report([])["findings"][0]["rule"], "own-token");
    place
        .write("rules/r.yaml", format!("provider: Own\nrules:\n{}", rule("github-personal-access-token", "ours_")))
        .write("a.txt", format!("{TOKEN} ours_q1w2e3r4t5z6"));
    let report = place.report(["--rules", "rules", "--no-repo-config"]);
    assert_eq!(report["summary"]["secrets"], 1);
    assert_eq!(report["findings"][0]["name"], "Own token");
    place.write(".sopup.yaml", "disable: [github-personal-access-token]\n").write("a.txt", TOKEN);
    assert_eq!(place.sopup(["scan"]).code, 0);
}

#[test]
fn show_and_test() {
    let place = Place::new();
    let run = place.sopup(["rules", "show", "github-personal-access-token"]);
    assert!(run.stdout.contains("To replace it") && run.stdout.contains("https://github.com/settings/tokens"), "{}", run.stdout);
    let run = place.sopup_with(["rules", "test", "github-personal-access-token"], format!("x\n y {TOKEN}"));
    assert_eq!(run.code, 1);
    assert!(run.stdout.starts_with("2:4  ghp_********  (high"), "{}", run.stdout);
    let run = place.sopup_with(["rules", "test", "--show-secrets", "github-personal-access-token"], format!("x\n y {TOKEN}"));
    assert!(run.stdout.starts_with(&format!("2:4  {TOKEN}")), "{}", run.stdout);
    assert_eq!(place.sopup_with(["rules", "test", "github-personal-access-token"], "nothing").code, 0);
}

#[test]
fn completions_and_manual_pages() {
    let place = Place::new();
    for shell in ["bash", "elvish", "fish", "nushell", "powershell", "zsh"] {
        let run = place.sopup(["completions", shell]);
        assert!(run.code == 0 && run.stdout.contains("staged"), "{shell}");
    }
    assert!(place.sopup(["man"]).stdout.contains(".TH sopup 1"));
    std::fs::create_dir(place.join("man")).expect("a folder");
    assert_eq!(place.sopup(["man", "--dir", "man"]).code, 0);
    assert!(place.join("man/sopup-scan.1").is_file());
}
