//! A secret is moved whole or not at all, and what is left of a file is read as before.

use std::fs;

use super::bench::Bench;

#[test]
fn values_with_quotes_and_escapes_move_whole_and_come_back() {
    let bench = Bench::new();
    let files = [
        ("conf/a.toml", "password = \"Kx\\\"9Tn55kf\\\\2\"\nnext = \"x\"\n"),
        ("conf/a.json", "{\"password\": \"Kx\\\"9Tn55kg\\\\2\"}\n"),
        ("conf/a.yml", "password: 'Zq4rO8''gRYWsPo3'\n"),
        ("conf/a.xml", "<c><db password=\"Kx&amp;9T&quot;n55ki\"/></c>\n"),
        ("conf/a.ini", "[db]\npassword = Tk7zw-\"hRYWsPo4\n"),
    ];
    for (path, text) in files {
        bench.place.write(path, text);
    }
    bench.place.write(".env.example", "DB_PASSWORD=yjkz4-\"qTm9vLd2\n");
    bench.place.write("docker-compose.yml", "services:\n  a:\n    environment:\n      A_PASSWORD: 'Im5rO8''fRYWsPo2'\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let stores = ["secrets/shared.enc.yaml", "dev.sops.env", "compose.sops.env"].map(|path| bench.decrypt(path)).concat();
    for half in ["9Tn55kf", "9Tn55kg", "gRYWsPo3", "n55ki", "hRYWsPo4", "qTm9vLd2", "fRYWsPo2"] {
        assert!(stores.contains(half), "{half} is in no store: {stores}");
        for (path, (bytes, _)) in bench.tree() {
            assert!(!String::from_utf8_lossy(&bytes).contains(half), "{half} stays in {path}");
        }
    }
    for whole in ["yjkz4-\"qTm9vLd2", "Im5rO8'fRYWsPo2", "Zq4rO8'gRYWsPo3", "Kx&9T\"n55ki", "Tk7zw-\"hRYWsPo4"] {
        assert!(stores.contains(whole), "{whole}: {stores}");
    }
    for (path, text) in files {
        let rendered = bench.sopup(["render", path]);
        assert_eq!((rendered.code, rendered.stdout.as_str()), (0, text), "{path}: {}", rendered.stderr);
    }
}

#[test]
fn half_a_value_is_left_where_it_is() {
    let bench = Bench::new();
    let script = "#!/bin/sh\nexport DB_PASSWORD=yjkz4-Rw8k\"qTm9vLd2\"\n";
    bench.place.write("a.sh", script);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("manual a.sh:2") && run.stdout.contains("half of it would stay"), "{}", run.stdout);
    assert_eq!(fs::read_to_string(bench.place.join("a.sh")).expect("reads"), script);
}

#[test]
fn flow_style_stays_valid() {
    let bench = Bench::new();
    bench.place.write("compose.yaml", "services:\n  a:\n    image: a\n    environment: {PASSWORD: Flw19wLm2xTr7p, X: y}\n");
    bench.place.write(".github/workflows/ci.yml", "on: push\njobs:\n  a:\n    runs-on: u\n    env: { DB_PASSWORD: Gh29wLm2xTr7pKd }\n");
    bench.place.write("spring/application.yml", "spring:\n  mail: {password: Sp39wLm2xTr7pKd}\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    for (path, line) in [
        ("compose.yaml", "    environment: {PASSWORD: '${A_PASSWORD:?set by sops exec-env compose.sops.env}', X: y}\n"),
        (".github/workflows/ci.yml", "    env: { DB_PASSWORD: '${{ secrets.DB_PASSWORD }}' }\n"),
        ("spring/application.yml", "  mail: {password: '${SPRING_MAIL_PASSWORD}'}\n"),
    ] {
        let text = fs::read_to_string(bench.place.join(path)).expect("reads");
        assert!(text.ends_with(line), "{path}: {text}");
    }
}

#[test]
fn program_text_stays_valid() {
    let bench = Bench::new();
    let python = "DSN = f\"postgres://u:Py29wLm2xTr7pKd@{host}/x\"\nTOKEN = b\"Py59wLm2xTr7pKdZ\"\n";
    bench.place.write("a.py", python);
    bench.place.write("A.java", "class A {\n  String J = \"{ \\\"password\\\": \\\"Jv19wLm2xTr7pKd\\\"}\";\n}\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert_eq!(fs::read_to_string(bench.place.join("a.py")).expect("reads"), python, "parts of such strings need the letter too");
    let java = fs::read_to_string(bench.place.join("A.java")).expect("reads");
    assert!(java.contains("J = \"{ \\\"password\\\": \\\"\" + java.util.Objects.requireNonNull(System.getenv(\"A_PASSWORD\"), \"A_PASSWORD is not set\") + \"\\\"}\";"), "{java}");
}

#[test]
fn what_may_be_no_secret_is_not_moved_unasked() {
    let bench = Bench::new();
    let (sure, doubtful) = ("The password is `gR4nite-Falcon-27`.\n", "password is tr0mbone\n");
    bench.place.write("a.md", sure).write("b.md", doubtful);
    bench.commit();
    assert_eq!(bench.migrate(["--plan-out", ".git/plan.yaml"]).code, 0);
    let plan = fs::read_to_string(bench.place.join(".git/plan.yaml")).expect("a plan");
    assert!(plan.contains("it may not be a secret (medium confidence)"), "{plan}");
    let text = |path: &str| fs::read_to_string(bench.place.join(path)).expect("reads");
    let run = bench.migrate(["--yes", "--no-history"]);
    assert!(!text("a.md").contains("gR4nite") && text("b.md") == doubtful, "{}{}", run.stdout, run.stderr);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert!(!text("b.md").contains("tr0mbone"), "{}{}", run.stdout, run.stderr);
}
