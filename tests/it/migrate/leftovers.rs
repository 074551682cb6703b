//! What a migration cannot move is named with a reason: nothing that a scan finds is lost, and no text of any language, no
//! existing store and no name stops or betrays anything.

use std::fs;
use std::process::Command;

use super::bench::Bench;
use crate::support::isolated;

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
    for (code, args) in
        [(1, &["--dry-run"][..]), (0, &["--plan-out", ".git/plan.yaml"]), (0, &["--yes", "--include-review", "--no-history"])]
    {
        let run = bench.migrate(args);
        assert_eq!(run.code, code, "{args:?}: {}{}", run.stdout, run.stderr);
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
fn a_value_that_keys_of_its_store_show_is_left_and_the_rest_is_moved() {
    let bench = Bench::new();
    bench.place.write("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 0.1.0\n");
    bench
        .place
        .write("shop/values.yaml", "auth:\n  paste.walrus_timber:\n    password: walrus_timber\n  other:\n    password: P29wLm2xTr7pKd\n");
    bench.place.write("a.md", "# Grafana\n\nThe admin password is `P19wLm2xTr7pKd`.\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("left alone, as it would not be clean afterwards: shop/secrets.yaml"), "{}", run.stdout);
    assert!(bench.decrypt("secrets/shared.enc.yaml").contains("P19wLm2xTr7pKd"));
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

#[test]
fn what_is_in_archives_and_names_is_not_lost() {
    let bench = Bench::new();
    bench.place.write("x/a.yaml", "password: Zq9wLm2xTr7pKd\n");
    let packed = Command::new("tar").args(["czf", "b.tgz", "-C", "x", "a.yaml"]).current_dir(bench.place.path()).status();
    assert!(packed.expect("tar runs").success());
    fs::remove_dir_all(bench.place.join("x")).expect("removed");
    bench.place.write("token=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", "nothing\n");
    bench.commit();
    assert_eq!(bench.findings().len(), 2);
    let before = bench.tree();
    for args in [&["--yes", "--include-review"][..], &["--dry-run"]] {
        let run = bench.migrate(args);
        assert_eq!(run.code, 1, "{args:?}: {}{}", run.stdout, run.stderr);
        assert!(run.stdout.contains("manual b.tgz!a.yaml:1"), "{}", run.stdout);
        assert!(run.stdout.contains("inside an archive: unpack it, migrate, and pack it anew, or remove it"), "{}", run.stdout);
        assert!(run.stdout.contains("in the name of a file: rename it by hand"), "{}", run.stdout);
        assert!(run.stdout.contains("2 places: 0 safe, 0 need review, 2 manual"), "{}", run.stdout);
        assert!(bench.tree() == before);
    }
}

#[test]
fn a_value_that_stays_in_an_archive_moves_from_files() {
    let bench = Bench::new();
    bench.place.write("a.sh", "#!/bin/sh\nPGPASSWORD=Zq9wLm2xTr7pKd psql\n");
    let packed = Command::new("tar").args(["czf", "b.tgz", "a.sh"]).current_dir(bench.place.path()).status();
    assert!(packed.expect("tar runs").success());
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("1 place left"), "{}", run.stdout);
    assert!(bench.decrypt("a.sops.env").contains("Zq9wLm2xTr7pKd"));
}

#[test]
fn repositories_inside_and_copies_of_others_are_left_alone() {
    let bench = Bench::new();
    let inner = bench.place.join("sub");
    fs::create_dir(&inner).expect("a folder");
    let git = |args: &[&str]| assert!(isolated(Command::new("git").args(args)).current_dir(&inner).status().expect("git runs").success());
    git(&["init", "--quiet", "--initial-branch=main"]);
    bench.place.write("sub/s.md", "The password is `S19wLm2xTr7pKd`.\n");
    git(&["add", "--all"]);
    git(&["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "x"]);
    bench
        .place
        .write("vendor/lib/README.md", "The password is `S29wLm2xTr7pKd`.\n")
        .write("app/a.md", "The password is `S39wLm2xTr7pKd`.\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("sub/s.md is in a submodule or another repository inside of this one: migrate that one itself"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("vendor/lib/README.md is in a copy of somebody else's code"), "{}", run.stdout);
    let text = |path: &str| fs::read_to_string(bench.place.join(path)).expect("a file");
    assert!(text("sub/s.md").contains("S19w") && text("vendor/lib/README.md").contains("S29w") && !text("app/a.md").contains("S39w"));
}

#[test]
fn binary_files_are_left_alone() {
    let bench = Bench::new();
    let program = b"\x7fELF\0\0\0\x01postgres://u:Zq9wLm2xTr7pKd@db/app\0\0\0";
    bench.place.write("prog.bin", program);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("a binary file: make it anew without the value"), "{}", run.stdout);
    assert_eq!(fs::read(bench.place.join("prog.bin")).expect("a file"), program);
}

#[test]
fn everybody_sees_who_can_open_the_files() {
    let bench = Bench::new();
    let mine = bench.recipient.clone();
    let other = age::x25519::Identity::generate().to_public().to_string();
    bench.place.write(".sops.yaml", format!("creation_rules:\n  - age: >-\n      {mine},\n      {other}\n"));
    bench.place.write("a.md", "The password is `P19wLm2xTr7pKd`.\n").commit("all");
    for args in [&["--dry-run"][..], &["--yes", "--no-history"]] {
        let run = bench.migrate(args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        for (recipient, line) in [(&mine, 3), (&other, 4)] {
            assert!(run.stdout.contains(&format!("{recipient} (.sops.yaml:{line}): secrets/shared.enc.yaml\n")), "{}", run.stdout);
        }
    }
    // A file that is there keeps its recipients.
    bench.place.write("b.md", "The password is `P29wLm2xTr7pKd`.\n").write("c.sh", "#!/bin/sh\nPGPASSWORD=P39wLm2xTr7pKd psql\n");
    bench.commit();
    let run = bench.migrate(["--dry-run", "--age", &mine]);
    assert!(run.stdout.contains(&format!("{other} (a recipient of the file already): secrets/shared.enc.yaml\n")), "{}", run.stdout);
    assert!(run.stdout.contains(&format!("{mine} (--age): c.sops.env\n")), "{}", run.stdout);
}

#[test]
fn a_secret_of_a_ci_system_stands_for_one_value() {
    let bench = Bench::new();
    let workflow = "\
on: push
jobs:
  a:
    runs-on: u
    env:
      DB_PASSWORD: Gh19wLm2xTr7pKd
    steps:
      - run: x
  b:
    runs-on: u
    env:
      DB_PASSWORD: Gh29wLm2xTr7pKd
      OTHER: ${{ secrets.DB_PASSWORD }}
    steps:
      - run: y
";
    bench.place.write(".github/workflows/ci.yml", workflow);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = fs::read_to_string(bench.place.join(".github/workflows/ci.yml")).expect("a file");
    let wanted =
        workflow.replace("Gh19wLm2xTr7pKd", "${{ secrets.DB_PASSWORD_2 }}").replace("Gh29wLm2xTr7pKd", "${{ secrets.DB_PASSWORD_3 }}");
    assert_eq!(text, wanted);
}

#[test]
fn a_script_keeps_its_own_variables() {
    let bench = Bench::new();
    let script = "#!/bin/bash\nPASSWORD=\"${1:-none}\"\necho \"$PASSWORD\"\necho kubectl create secret generic db --from-literal=password=Zq9wLm2xTr7pKd\n";
    bench.place.write("deploy.sh", script);
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let mut migrated = Command::new("bash");
    let migrated = isolated(migrated.args(["deploy.sh", "given"]).env("DEPLOY_PASSWORD", "from-sops")).current_dir(bench.place.path());
    let printed = migrated.output().expect("bash runs").stdout;
    let wanted = "given\nkubectl create secret generic db --from-literal=password=from-sops\n";
    assert_eq!(String::from_utf8_lossy(&printed), wanted);
    assert_eq!(bench.decrypt("deploy.sops.env"), "DEPLOY_PASSWORD=Zq9wLm2xTr7pKd\n");
}

#[test]
fn the_metadata_of_encrypted_files_is_left_alone() {
    let bench = Bench::new();
    bench.place.write(".git/plain.yaml", "password: Ex1stingQ9zw\n");
    let encrypted = bench.sopup(["encrypt", ".git/plain.yaml", "--output", "k.enc.yaml"]);
    assert_eq!(encrypted.code, 0, "{}", encrypted.stderr);
    let key = "arn:aws:kms:eu-west-1:384756102938:key/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
    let block = format!(
        "sops:\n    stray: {key}\n    kms:\n        - arn: {key}\n          created_at: \"2024-01-01T00:00:00Z\"\n          enc: AQICAHh=\n          aws_profile: \"\"\n"
    );
    let file = fs::read_to_string(bench.place.join("k.enc.yaml")).expect("reads").replacen("sops:\n", &block, 1);
    bench.place.write("k.enc.yaml", &file);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(fs::read_to_string(bench.place.join("k.enc.yaml")).expect("reads"), file, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("it stands in the metadata of a SOPS file"), "{}{}", run.stdout, run.stderr);
    assert!(bench.decrypt("k.enc.yaml").contains("Ex1stingQ9zw"));
}

#[test]
fn comments_among_encrypted_values_are_encrypted() {
    let bench = Bench::new();
    let (secret, list) = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\nstringData:\n  # old password: Old-Kettle-43\n  password: Amber-Kettle-44   # was Older-Kettle-42\n",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - s.yaml\n",
    );
    bench.place.write("k8s/s.yaml", secret).write("k8s/kustomization.yaml", list);
    bench.place.write(".sops.yaml", format!("creation_rules:\n  - encrypted_regex: ^(data|stringData)$\n    age: {}\n", bench.recipient));
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    let file = fs::read_to_string(bench.place.join("k8s/s.yaml")).expect("reads");
    assert!(file.contains("ENC[") && !file.contains("Kettle"), "{file}{}{}", run.stdout, run.stderr);
    let opened = bench.decrypt("k8s/s.yaml");
    for value in ["Old-Kettle-43", "Older-Kettle-42", "Amber-Kettle-44"] {
        assert!(opened.contains(value), "{opened}");
    }
}
