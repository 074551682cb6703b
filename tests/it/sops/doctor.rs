//! `sopup doctor` on a folder of files, each with one thing wrong (matrix cases 22, 23, 26, 48 and 53).

use super::bench::{Bench, text};

/// A folder with rules and one sound file.
fn bench() -> Bench {
    let bench = Bench::with_keys(3);
    let (a, b) = (&bench.recipients[0], &bench.recipients[1]);
    bench.put(
        "repo/.sops.yaml",
        format!(
            "creation_rules:\n  - path_regex: ^k8s/\n    encrypted_regex: ^(data|stringData)$\n    age: {a},{b}\n  - path_regex: \\.enc\\.(yaml|env)$\n    age: {a},{b}\n"
        )
        .as_bytes(),
    );
    bench.put("repo/README.md", b"Values look like ENC[AES256_GCM,data:...]\n");
    bench.put("repo/chart/templates/x.yaml", b"{{ if .Values.sops }}\nsops: {{ .x }}\n{{ end }}\n");
    bench.put("repo/k8s/deployment.yaml", b"kind: Deployment\nspec: {}\n");
    encrypted(&bench, "good.enc.yaml", "a: hunter2hunter2\nx_unencrypted: v1\ny_unencrypted: Secret\n");
    bench
}

/// Encrypts a file of the folder by its rules.
fn encrypted(bench: &Bench, name: &str, plain: &str) -> String {
    bench.put(&format!("repo/{name}"), plain.as_bytes());
    let out = bench.sopup_command(&["encrypt", "-i", name]).current_dir(bench.path("repo")).output().expect("runs");
    assert!(out.status.success(), "{}", text(&out.stderr));
    text(&bench.get(&format!("repo/{name}")))
}

fn doctor(bench: &Bench, args: &[&str]) -> (i32, serde_json::Value) {
    let args: Vec<&str> = ["doctor", "repo", "--format", "json"].iter().chain(args).copied().collect();
    let run = bench.sopup(&args);
    (run.code, serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", run.stdout, run.stderr)))
}

/// The codes of one file's problems.
fn codes(report: &serde_json::Value, path: &str) -> Vec<String> {
    let files = report["files"].as_array().expect("files");
    let file = files.iter().find(|file| file["path"] == path);
    let problems = file.map(|file| file["problems"].as_array().expect("problems").clone()).unwrap_or_default();
    problems.iter().map(|problem| problem["code"].as_str().expect("a code").to_owned()).collect()
}

#[test]
fn a_sound_folder_is_clean() {
    let bench = bench();
    let (code, report) = doctor(&bench, &["--strict"]);
    assert_eq!((code, &report["summary"]["files"], &report["schema"]), (0, &1.into(), &"sopup.doctor/v1".into()), "{report:#}");
    assert_eq!(report["files"].as_array().expect("files").len(), 1, "{report:#}");
    let human = bench.sopup(&["doctor", "repo"]);
    assert_eq!((human.code, human.stdout.as_str()), (0, "1 SOPS file: 0 errors, 0 warnings\n"));
    assert_eq!(bench.sopup(&["doctor", "absent"]).code, 2);
    let one = bench.sopup(&["doctor", "repo/good.enc.yaml"]);
    assert_eq!((one.code, one.stdout.as_str()), (0, "1 SOPS file: 0 errors, 0 warnings\n"));
}

#[test]
fn each_fault_is_found() {
    let bench = bench();
    let secret = "hunter2hunter2";
    let good = text(&bench.get("repo/good.enc.yaml"));
    let plan = |keys: &[usize]| bench.plan_for(keys);
    let put = |name: &str, content: &str| bench.put(&format!("repo/{name}"), content.as_bytes());
    put("plain.enc.yaml", &format!("a: {secret}\n"));
    put("k8s/plain-secret.yaml", &format!("kind: Secret\nstringData:\n  a: {secret}\n"));
    put("mac.enc.yaml", &good.replace("x_unencrypted: v1", "x_unencrypted: v2"));
    put("added.enc.yaml", &good.replace("sops:\n", &format!("b: {secret}\nsops:\n")));
    put("comment.enc.yaml", &good.replace("sops:\n", &format!("# {secret}\nsops:\n")));
    put("no-block.enc.yaml", good.split("sops:\n").next().expect("a part"));
    put("version.enc.yaml", &good.replace("version: 3.11.0", "version: x"));
    put("cut.enc.yaml", &good[..good.len() - 300]);
    let other = bench.encrypt_as("other.yaml", b"a: b\n", &plan(&[0, 2])).expect("encrypts");
    bench.put("repo/other.enc.yaml", &other);
    let env = encrypted(&bench, "crlf.enc.env", "A=b\n").replace('\n', "\r\n");
    put("crlf.enc.env", &env);
    bench.put(
        "bad-rules/.sops.yaml",
        format!("creation_rules:\n  - age: {}\n    encrypted_regex: '(?!x)'\n", bench.recipients[0]).as_bytes(),
    );
    bench.put("repo/nothing.yaml", b"");
    std::fs::rename(bench.path("bad-rules/.sops.yaml"), bench.path(".sops.yaml")).expect("moves");
    bench.put("repo/nothing.yaml", &bench.sops_encrypt("n.yaml", b"a: b\n", &[]));

    let (code, report) = doctor(&bench, &[]);
    assert_eq!(code, 1, "{report:#}");
    for (path, expected) in [
        ("plain.enc.yaml", "not-encrypted"),
        ("k8s/plain-secret.yaml", "not-encrypted"),
        ("mac.enc.yaml", "bad-mac"),
        ("added.enc.yaml", "plain-value"),
        ("comment.enc.yaml", "plain-comments"),
        ("no-block.enc.yaml", "no-metadata"),
        ("version.enc.yaml", "bad-metadata"),
        ("cut.enc.yaml", "bad-metadata"),
        ("other.enc.yaml", "unknown-recipient"),
        ("other.enc.yaml", "missing-recipient"),
        ("crlf.enc.env", "carriage-returns"),
        ("nothing.yaml", "bad-metadata"),
    ] {
        assert!(codes(&report, path).iter().any(|code| code == expected), "{path}: {expected} is not in {:?}", codes(&report, path));
    }
    assert_eq!(codes(&report, "added.enc.yaml"), ["plain-value"], "one fault is told once");
    for path in ["good.enc.yaml", "k8s/deployment.yaml", "README.md", "chart/templates/x.yaml"] {
        assert_eq!(codes(&report, path), Vec::<String>::new(), "{path}");
    }
    assert!(!report.to_string().contains(secret));
    let human = bench.sopup(&["doctor", "repo"]);
    assert!(human.code == 1 && !human.stdout.contains(secret));
    assert!(
        human.stdout.contains("error: plain.enc.yaml: a creation rule covers this file, and it is not encrypted\n"),
        "{}",
        human.stdout
    );
}

#[test]
fn the_rules_are_those_that_are_named() {
    let bench = bench();
    bench.put(
        "other/rules.yaml",
        format!("creation_rules:\n  - path_regex: ^x$\n    age: {}\n  - age: {}\n", bench.recipients[1], bench.recipients[2]).as_bytes(),
    );
    let with_variable = |args: &[&str], name: &str| {
        let out = bench.sopup_command(args).env("SOPS_CONFIG", bench.path(name)).output().expect("runs");
        (out.status.code(), text(&out.stdout), text(&out.stderr))
    };
    let (code, said, _) = with_variable(&["doctor", "repo"], "other/rules.yaml");
    let third = sopup::sops::recipient::short(&bench.recipients[2]).to_string();
    assert!(code == Some(1) && said.contains(&format!("`{third}` is named by its creation rule")), "{said}");
    let named = bench.sopup(&["doctor", "--config", "other/rules.yaml", "repo"]);
    assert_eq!((named.code, &named.stdout), (1, &said));
    let (_, said, _) = with_variable(&["verify", "repo"], "other/rules.yaml");
    assert!(said.contains("good.enc.yaml: `age1") && said.contains("is not named by its creation rule"), "{said}");

    let (code, said, _) = with_variable(&["doctor", "repo"], "other/absent.yaml");
    assert!(code == Some(1) && said.contains("absent.yaml: cannot read "), "{said}");
    let (code, _, said) = with_variable(&["updatekeys", "--yes", "repo/good.enc.yaml"], "other/rules.yaml");
    assert!(code == Some(0) && said.contains(&format!("+ {third}")), "{said}");
    let (_, said, _) = with_variable(&["doctor", "repo"], "other/rules.yaml");
    assert!(!said.contains("creation rule"), "both go by the same rules: {said}");
}

#[test]
fn warnings_fail_only_if_wished() {
    let bench = bench();
    bench.put("repo/.sops.yaml", format!("creation_rules:\n  - age: {}\n    pathregex: x\n  - age: []\n", bench.recipients[0]).as_bytes());
    bench.put("repo/good.enc.yaml", &bench.encrypt("x.yaml", b"a: b\n").expect("encrypts"));
    let (code, report) = doctor(&bench, &[]);
    assert_eq!((code, codes(&report, "good.enc.yaml")), (0, vec!["single-recipient".to_owned()]), "{report:#}");
    assert_eq!(report["rules"].as_array().expect("rules").len(), 3, "{report:#}");
    assert_eq!(doctor(&bench, &["--strict"]).0, 1);
    bench.put("repo/.sops.yaml", b"creation_rules:\n  - path_regex: (\n");
    let (code, report) = doctor(&bench, &[]);
    assert_eq!((code, &report["rules"][0]["level"]), (1, &"error".into()), "{report:#}");
}

#[test]
fn case_48_kustomize_hands_ciphertext_on_and_the_doctor_says_so() {
    let bench = bench();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata:\n    name: db\nstringData:\n    password: hunter2hunter2\n";
    encrypted(&bench, "k8s/db.yaml", secret);
    let list = |text: &str| bench.put("repo/overlays/dev/kustomization.yaml", text.as_bytes());
    list("resources:\n  - ./db.enc.yaml\n");
    std::fs::copy(bench.path("repo/k8s/db.yaml"), bench.path("repo/overlays/dev/db.enc.yaml")).expect("copies");
    let rendered = crate::support::kustomize(&bench.path("repo/overlays/dev"));
    assert!(rendered.contains("password: ENC[AES256_GCM,"), "{rendered}");
    let (code, report) = doctor(&bench, &[]);
    assert!(code == 0 && codes(&report, "overlays/dev/db.enc.yaml").contains(&"undecrypted".to_owned()), "{report:#}");
    assert_eq!(codes(&report, "k8s/db.yaml"), Vec::<String>::new(), "{report:#}");
    assert_eq!(doctor(&bench, &["--strict"]).0, 1);

    // A generator decrypts it, and so does Flux.
    list("generators:\n  - ksops-db.yaml\n");
    assert!(!codes(&doctor(&bench, &[]).1, "overlays/dev/db.enc.yaml").contains(&"undecrypted".to_owned()));
    list("resources:\n  - db.enc.yaml\n");
    let flux = "kind: Kustomization\nspec:\n  decryption:\n    provider: sops\n";
    bench.put("repo/clusters/dev.yaml", flux.as_bytes());
    assert!(!codes(&doctor(&bench, &[]).1, "overlays/dev/db.enc.yaml").contains(&"undecrypted".to_owned()));
    std::fs::remove_file(bench.path("repo/clusters/dev.yaml")).expect("removes");
    for (name, text) in [
        ("up.sh", "flux create kustomization dev --decryption-provider=sops\n"),
        ("flow.yaml", "kind: Kustomization\nspec: {\n  decryption: {\n    provider: \"sops\",\n  },\n}\n"),
        ("values.yaml", "patches:\n  - patch: |\n      - op: add\n        path: /spec/decryption\n        value: {provider: sops}\n"),
        ("controller.yaml", "args:\n  - --sops-age-secret=sops-age\n"),
        ("argocd.yaml.gotmpl", "env:\n  - name: SOPS_AGE_KEY_FILE\n    value: /keys\n"),
    ] {
        bench.put(&format!("repo/{name}"), text.as_bytes());
        assert!(!codes(&doctor(&bench, &[]).1, "overlays/dev/db.enc.yaml").contains(&"undecrypted".to_owned()), "{name}");
        std::fs::remove_file(bench.path(&format!("repo/{name}"))).expect("removes");
    }
}

#[test]
fn what_could_not_be_checked_is_not_called_clean() {
    let bench = bench();
    bench.put("keys.txt", bench.key(2).as_bytes());
    let run = bench.sopup(&["doctor", "repo"]);
    assert!(run.code == 3 && run.stdout.contains("1 file could not be opened") && run.stdout.contains("good.enc.yaml"), "{}", run.stdout);
    let run = bench.sopup(&["doctor", "--no-decrypt", "repo"]);
    assert!(run.code == 0 && run.stdout.contains("Nothing was decrypted"), "{}", run.stdout);
}

#[test]
fn case_23_digests_tell_what_the_mac_does_not() {
    let bench = bench();
    let good = text(&bench.get("repo/good.enc.yaml"));
    let run = bench.sopup(&["doctor", "--record", "repo"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let records = text(&bench.get("repo/.sopup.digests"));
    assert!(records.ends_with(" good.enc.yaml\n") && records.lines().count() == 1, "{records}");
    assert_eq!(doctor(&bench, &["--strict"]).0, 0);
    for (what, changed) in [
        ("a renamed key", good.replace("x_unencrypted", "z_unencrypted")),
        ("an added empty value", good.replace("sops:\n", "extra: null\nsops:\n")),
        ("moved text", good.replace("x_unencrypted: v1\ny_unencrypted: Secret", "x_unencrypted: v1S\ny_unencrypted: ecret")),
    ] {
        bench.sops_decrypt("x.yaml", changed.as_bytes()).unwrap_or_else(|error| panic!("sops notices {what}: {error}"));
        bench.put("repo/good.enc.yaml", changed.as_bytes());
        let (code, report) = doctor(&bench, &[]);
        assert_eq!((code, codes(&report, "good.enc.yaml")), (1, vec!["changed-unnoticed".to_owned()]), "{what}");
    }
    // Whoever has a key may change the file; then the digest is out of date, and a new one can be recorded.
    bench.put("repo/good.enc.yaml", good.as_bytes());
    let out = bench.sops(&["set", "repo/good.enc.yaml", "[\"a\"]", "\"other\""]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    encrypted(&bench, "second.enc.yaml", "a: b\n");
    let (code, report) = doctor(&bench, &[]);
    assert_eq!((code, codes(&report, "good.enc.yaml")), (0, vec!["digest-outdated".to_owned()]));
    assert_eq!(codes(&report, "second.enc.yaml"), ["no-digest"]);
    assert_eq!(bench.sopup(&["doctor", "--record", "--strict", "repo"]).code, 0);
    assert_eq!(text(&bench.get("repo/.sopup.digests")).lines().count(), 2);
    assert_eq!(doctor(&bench, &["--strict"]).0, 0);
}

#[test]
fn a_broad_rule_does_not_make_every_file_a_secret() {
    let bench = Bench::with_keys(1);
    let rules = format!(
        "creation_rules:\n  - path_regex: ^one/settings.yaml$\n    age: {0}\n  - path_regex: .*\\.yaml|docs/|\\.env\n    encrypted_regex: ^(data|stringData|key)$\n    age: {0}\n",
        bench.recipients[0]
    );
    bench.put("repo/.sops.yaml", rules.as_bytes());
    let put = |name: &str, content: &str| bench.put(&format!("repo/{name}"), content.as_bytes());
    put("docs/README.md", "key: value\n");
    put("docs/logo.png", "\u{1}\u{2}");
    put("k8s/map.yaml", "kind: ConfigMap\ndata:\n  color: summer\n");
    put("chart/values.yaml", "key: {{ .Values.key }}\n");
    put("secrets/prod.sample.yaml", "key: fill-me-in\n");
    put("secrets/prod.yaml", "key: hunter2hunter2\n");
    put("k8s/db.yaml", "kind: Secret\nstringData:\n  password: hunter2hunter2\n");
    put("one/settings.yaml", "color: summer\n");
    put("docs/tls.key", "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n");
    put("prod/.env", "key=hunter2hunter2\n");
    let (_, report) = doctor(&bench, &[]);
    for path in ["docs/README.md", "docs/logo.png", "k8s/map.yaml", "chart/values.yaml", "secrets/prod.sample.yaml"] {
        assert_eq!(codes(&report, path), Vec::<String>::new(), "{path}");
    }
    for path in ["secrets/prod.yaml", "k8s/db.yaml", "one/settings.yaml", "docs/tls.key", "prod/.env"] {
        assert_eq!(codes(&report, path), ["not-encrypted"], "{path}");
    }
}

#[test]
fn that_one_key_opens_everything_is_said_once() {
    let bench = Bench::with_keys(1);
    bench.put("repo/.sops.yaml", format!("creation_rules:\n  - age: {}\n", bench.recipients[0]).as_bytes());
    for name in ["a.enc.yaml", "b.enc.yaml", "c.enc.yaml"] {
        bench.put(&format!("repo/{name}"), &bench.encrypt(name, b"a: b\n").expect("encrypts"));
    }
    let human = bench.sopup(&["doctor", "repo"]);
    let said = "warning: .: 3 files can each be opened by one key only; if that is lost, so are their values\n";
    assert_eq!((human.code, human.stdout), (0, format!("{said}3 SOPS files: 0 errors, 1 warning\n")));
}

#[test]
fn what_holds_nothing_to_encrypt_is_no_problem() {
    let bench = Bench::with_keys(1);
    let key = &bench.recipients[0];
    let rules = format!(
        "creation_rules:\n  - path_regex: ^hosts/doc2/\n    age: {key}\n  - path_regex: secrets/|\\.yaml$\n    encrypted_regex: ^(data|stringData|a)$\n    age: {key}\n"
    );
    bench.put("repo/.sops.yaml", rules.as_bytes());
    let put = |name: &str, content: &str| bench.put(&format!("repo/{name}"), content.as_bytes());
    put("tmpl/.sops.yaml", "creation_rules:\n  - age: ${BOOTSTRAP_AGE_KEY}\n");
    let nothing = [
        ("secrets/empty.yaml", ""),
        ("secrets/comments.yaml", "# later\n"),
        ("secrets/external.yaml", "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec:\n  store: vault\n"),
        ("secrets/kustomization.yaml", "kind: Kustomization\nresources:\n  - a.yaml\n"),
        ("hosts/doc2/k.pub", "ssh-ed25519 AAAA me\n"),
        ("none.enc.yaml", "data: {}\n"),
        ("secret.enc.yaml", "kind: Secret\nmetadata:\n  name: db\nstringData: {}\n"),
        ("filled.sops.yaml", "a: ${SECRET_A}\n"),
        ("tmpl/app.sops.yaml", "a: https://${SECRET_DOMAIN}\n"),
        ("to-fill.sops.yaml", "a: <CLIENT_SECRET>\n"),
        ("secrets/config-beside.yaml", "kind: ConfigMap\ndata:\n  a: b\n---\nkind: Secret\nmetadata:\n  name: later\n"),
        ("secrets/jwks.yaml", "kind: Secret\nstringData:\n  jwks.json: '{\"active\": \"\", \"keys\": []}'\n"),
    ];
    nothing.iter().for_each(|(name, content)| put(name, content));
    put("secrets/both.yaml", "kind: ConfigMap\n---\nkind: Secret\nstringData:\n  a: hunter2hunter2\n");
    let good = encrypted(&bench, "good.enc.yaml", "a: hunter2hunter2\n");
    put("damaged.enc.yaml", &good.replacen(",iv:", ",iv:2k=", 1));
    let (_, report) = doctor(&bench, &[]);
    for (path, _) in nothing {
        assert_eq!(codes(&report, path), Vec::<String>::new(), "{path}");
    }
    assert_eq!(report["rules"].as_array().map(Vec::len), Some(1), "one key for two files: {report:#}");
    assert_eq!(codes(&report, "secrets/both.yaml"), ["not-encrypted"]);
    let damaged = codes(&report, "damaged.enc.yaml");
    assert!(damaged.contains(&"damaged-value".to_owned()) && !damaged.contains(&"plain-value".to_owned()), "{damaged:?}");
}

#[test]
fn a_selector_that_matches_an_empty_value_matches() {
    let bench = bench();
    let put = |name: &str, plain: &[u8]| {
        let file = bench.sops_encrypt(name, plain, &["--encrypted-regex", "^(data|stringData)$"]);
        bench.put(&format!("repo/{name}"), &file);
    };
    put("empty.enc.yaml", b"kind: Secret\nmetadata:\n  name: db\nstringData:\n  token: \"\"\n");
    put("later.enc.yaml", b"kind: Secret\nmetadata:\n  name: db\n  namespace: apps\ntype: Opaque\n");
    put("talos.enc.yaml", b"cluster:\n  id: xyzzy\n  secret: correct horse\n");
    let report = doctor(&bench, &[]).1;
    let nothing = |name: &str| codes(&report, name).contains(&"nothing-encrypted".to_owned());
    assert!(!nothing("empty.enc.yaml") && !nothing("later.enc.yaml") && nothing("talos.enc.yaml"), "{report:#}");
}

#[test]
fn recipients_of_a_file_are_told_together() {
    let bench = Bench::with_keys(6);
    let keys = &bench.recipients;
    bench.put("repo/x.enc.yaml", &bench.encrypt_as("x.yaml", b"a: b\n", &bench.plan_for(&[0, 1])).expect("encrypts"));
    bench.put("repo/.sops.yaml", format!("creation_rules:\n  - age: {}\n", keys[1..].join(",")).as_bytes());
    let run = bench.sopup(&["doctor", "repo"]);
    let expected = format!(
        "error: x.enc.yaml: `{}` can open it and is not named by its creation rule; run updatekeys\nwarning: x.enc.yaml: `{}`, `{}`, `{}` and `{}` are named by its creation rule and cannot open it; run updatekeys\n",
        keys[0], keys[2], keys[3], keys[4], keys[5]
    );
    assert_eq!(run.stdout, expected + "1 SOPS file: 1 error, 4 warnings\n");
    bench.put("repo/.sops.yaml", format!("creation_rules:\n  - age: {}\n", keys[5]).as_bytes());
    let run = bench.sopup(&["doctor", "repo"]);
    let expected = format!("error: x.enc.yaml: `{}` and `{}` can open it and are not named by its creation rule", keys[0], keys[1]);
    assert!(run.stdout.starts_with(&expected), "{}", run.stdout);
    let report = doctor(&bench, &[]).1;
    assert_eq!(codes(&report, "x.enc.yaml"), ["unknown-recipient", "unknown-recipient", "missing-recipient"], "programs get each");
}

#[test]
fn what_many_files_have_in_common_is_counted() {
    let bench = Bench::with_keys(2);
    let keys = bench.recipients.join(",");
    bench.put("repo/.sops.yaml", format!("creation_rules:\n  - age: {keys}\n    mac_only_encrypted: true\n").as_bytes());
    for at in 0..12 {
        encrypted(&bench, &format!("apps/{at:02}.yaml"), "a: hunter2hunter2\n");
    }
    encrypted(&bench, "top.yaml", "a: hunter2hunter2\n");
    bench.put("repo/.sops.yaml", format!("creation_rules:\n  - age: {keys}\n    encrypted_regex: ^a$\n").as_bytes());
    bench.put("keys.txt", b"");
    let run = bench.sopup(&["doctor", "repo"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(
        lines[0].starts_with("warning: .: 13 files have another selector than their creation rule: theirs is the default one"),
        "{lines:#?}"
    );
    assert!(lines[1].starts_with("warning: .: 13 files have plain values that can be changed unnoticed"), "{lines:#?}");
    assert_eq!(lines[2], "13 SOPS files: 0 errors, 2 warnings");
    assert_eq!(lines[4..], ["  top.yaml", "  apps: 12 files, among them apps/00.yaml, apps/01.yaml, apps/02.yaml"], "{lines:#?}");
}
