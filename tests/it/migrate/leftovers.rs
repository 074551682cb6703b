//! What a migration cannot move is named with a reason: nothing that a scan finds is lost, and no text of any language, no
//! existing store and no name stops or betrays anything.

use std::fs;
use std::process::Command;

use super::bench::Bench;

#[test]
fn texts_in_any_language_are_migrated() {
    let bench = Bench::new();
    bench
        .place
        .write("pl.md", "hasło: `P19wLm2xTr7pKd`\n")
        .write("es.md", "contraseña: P29wLm2xTr7pKd\n")
        .write("zh.conf", "密码\u{3000}password=P39wLm2xTr7pKd\n")
        .write("ru.sh", "#!/bin/sh\n# пароль\nexport ПАРОЛЬ\u{a0}PGPASSWORD=P49wLm2xTr7pKd\n");
    bench.commit();
    for args in [&["--dry-run"][..], &["--plan-out", ".git/plan.yaml"], &["--yes", "--include-review", "--no-history"]] {
        let run = bench.migrate(args);
        assert_eq!(run.code, 0, "{args:?}: {}{}", run.stdout, run.stderr);
    }
    assert_eq!(bench.findings(), [""; 0]);
}

#[test]
fn a_value_stands_where_a_section_is_wanted() {
    let bench = Bench::new();
    bench.place.write(".git/plain.yaml", "grafana: Ex1stingQ9zw\n");
    bench.place.write("secrets/README", "Encrypted.\n");
    let encrypted = bench.sopup(["encrypt", ".git/plain.yaml", "--output", "secrets/shared.enc.yaml"]);
    assert_eq!(encrypted.code, 0, "{}", encrypted.stderr);
    bench.place.write("docs/grafana.md", "# Grafana\n\nThe admin password is `P19wLm2xTr7pKd`.\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let opened = bench.decrypt("secrets/shared.enc.yaml");
    assert_eq!(opened, "grafana: Ex1stingQ9zw\ngrafana_2:\n    grafana_password: P19wLm2xTr7pKd\n");
}

#[test]
fn a_store_that_leaves_such_keys_plain_takes_nothing() {
    let bench = Bench::new();
    bench.place.write(".git/plain.yaml", "old_enc: Ex1stingQ9zw\n");
    bench.place.write("secrets/README", "Encrypted.\n");
    let encrypted = bench.sopup(["encrypt", "--encrypted-suffix", "_enc", ".git/plain.yaml", "--output", "secrets/shared.enc.yaml"]);
    assert_eq!(encrypted.code, 0, "{}", encrypted.stderr);
    bench.place.write("a.md", "The admin password is `P19wLm2xTr7pKd`.\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("manual a.md:1"), "{}", run.stdout);
    assert!(run.stdout.contains("secrets/shared.enc.yaml has no name for it under which it would be encrypted"), "{}", run.stdout);
}

#[test]
fn a_key_that_is_wanted_where_a_section_is_gets_another_name() {
    let bench = Bench::new();
    bench.place.write("a.md", "The password is `P19wLm2xTr7pKd`.\n").write("b.md", "# X\n\nThe password is `P29wLm2xTr7pKd`.\n");
    bench.commit();
    assert_eq!(bench.migrate(["--plan-out", ".git/plan.yaml"]).code, 0);
    let plan = fs::read_to_string(bench.place.join(".git/plan.yaml")).expect("a plan");
    assert!(plan.contains("key: a.password\n") && plan.contains("key: b.x_password\n"), "{plan}");
    bench.place.write(".git/plan.yaml", plan.replace("key: a.password\n", "key: b\n"));
    let run = bench.migrate(["--apply", ".git/plan.yaml", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let opened = bench.decrypt("secrets/shared.enc.yaml");
    assert!(opened.contains("P19wLm2xTr7pKd") && opened.contains("P29wLm2xTr7pKd"), "{opened}");
}

#[test]
fn no_name_shows_a_secret() {
    let bench = Bench::new();
    bench
        .place
        .write("a.md", "| Password | User |\n|---|---|\n| walrus-Timber-88-xq | app |\n")
        .write("b.md", "# Login walrus-Timber-88-xq\n\nThe password is `gR4nite-Falcon-27`.\n")
        .write(
            "c.md",
            "```sh\n# mysql -pgR4nite-Falcon-27\nexport TOKEN=Zq93wLm2xTr7pKdZ81\n```\n\nThe password is `Canyon.Comet.Walnut.109`.\n",
        );
    bench.commit();
    let planned = bench.migrate(["--plan-out", ".git/plan.yaml"]);
    let plan = fs::read_to_string(bench.place.join(".git/plan.yaml")).expect("a plan");
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let files: String = bench.tree().values().map(|(bytes, _)| String::from_utf8_lossy(bytes).into_owned()).collect();
    let journal = Command::new("grep").args(["-ric", "walrus.timber"]).arg(bench.place.join(".git/sopup")).output().expect("grep runs");
    assert!(!String::from_utf8_lossy(&journal.stdout).lines().any(|line| !line.ends_with(":0")), "the journal shows nothing");
    for text in [planned.stdout, planned.stderr, plan, run.stdout, run.stderr, files] {
        let flat = text.to_lowercase().replace(['_', '-', '.'], "");
        for secret in ["walrustimber88", "gr4nitefalcon", "r4nitefalcon", "canyoncometwalnut", "zq93wlm2x"] {
            assert!(!flat.contains(secret), "{secret}: {text}");
        }
    }
}
