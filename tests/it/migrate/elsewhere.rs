//! What else uses a file decides whether its steps are safe: scripts that read it, images that it is copied into, and
//! documents that tell what is true elsewhere.

use std::process::Command;

use super::bench::Bench;
use crate::sops::bench::sops_binary;

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: jwt-key\nstringData:\n  token: Zq9wLm2xTr7pKd\n";

#[test]
fn steps_of_files_that_others_use_need_review() {
    let bench = Bench::new();
    let compose = |value: &str| format!("services:\n  db:\n    image: x\n    environment:\n      POSTGRES_PASSWORD: {value}\n");
    bench.place.write("k8s/jwt-key.yaml", SECRET).write("install.sh", "awk '/token/{print $2}' jwt-key.yaml > key\n");
    bench.place.write("img/Dockerfile", "FROM x\nCOPY entry.sh /\n");
    bench.place.write("img/entry.sh", "#!/bin/sh\nlogin --password=Zq8wLm2xTr7pKd\n");
    bench.place.write("srv/compose.yaml", compose("Zq7wLm2xTr7pKd")).write("srv/bin/up.sh", "sudo docker compose up -d\n");
    bench.place.write("web/compose.yaml", compose("Zq6wLm2xTr7pKd"));
    let script = |value: &str| format!("#!/bin/sh\nlogin --password={value}\n");
    bench.place.write("gen/run.sh", script("Zq4xLm2xTr7pKd"));
    bench.place.write("gen/kustomization.yaml", "configMapGenerator:\n  - name: run\n    files: [run.sh]\n");
    bench.place.write("pg/init/users.sh", script("Zq3xLm2xTr7pKd"));
    bench.place.write("pg/docker-compose.yml", "services:\n  db:\n    volumes:\n      - ./init:/docker-entrypoint-initdb.d:ro\n");
    bench.place.write("ch/fs/init/odbc.sh", script("Zq7yLm2xTr7pKd"));
    bench.place.write("ch/compose.yaml", "services:\n  db:\n    volumes:\n      - ${PWD}/fs:/data\n");
    bench.place.write("docs/c.md", "Use the default credentials to log in:\n\n**Password**: Zq8yLm2xTr7pKd\n");
    bench.place.write("ci/deploy.sh", script("Zq2xLm2xTr7pKd"));
    bench.place.write(".github/workflows/ci.yml", "jobs:\n  a:\n    steps:\n      - run: ./ci/deploy.sh prod\n");
    bench.place.write("part/one.sh", script("Zq1xLm2xTr7pKd")).write("all.sh", "#!/bin/sh\n./part/one.sh\n./part/two.sh\n");
    bench.place.write("alone/one.sh", script("Zq1yLm2xTr7pKd"));
    let here = |first: &str, value: &str| format!("#!/bin/sh\n{first}cat <<EOF > conf\npassword=\"{value}\"\nEOF\nrun\n");
    bench.place.write("here/on.sh", here("", "Zq2yLm2xTr7pKd")).write("here/stops.sh", here("set -e\n", "Zq3yLm2xTr7pKd"));
    bench
        .place
        .write("job/Dockerfile", "FROM x\nCOPY scripts/ /opt/\n")
        .write("job/scripts/load.py", "API_PASSWORD = \"Zq4yLm2xTr7pKd\"\n");
    bench.place.write("tool/setup.py", "KEY_PASSWORD = \"Zq5yLm2xTr7pKd\"\n").write("tool/setup.sh", "#!/bin/sh\n./setup.py\nexit 0\n");
    bench.place.write("db/compose.yaml", "services:\n  db:\n    image: x\n    environment:\n      PGPASSWORD: Zq6yLm2xTr7pKd\n");
    bench.place.write("note.sh", "#!/bin/sh\nset -e\necho \"  Client: id=first secret=Zq5wLm2xTr7pKd\"\n");
    bench.place.write("count.sh", "#!/bin/bash\nset -e\nf() {\n  local x=$(run \\\n    login --password=Zq4wLm2xTr7pKd)\n}\n");
    bench.place.write("docs/a.md", "If it is not specified, the default password `Zq3wLm2xTr7pKd` will be used.\n");
    bench.place.write("told.sh", "#!/bin/sh\nset -e\necho -e \"\\n # Note: password=Zq9xLm2xTr7pKd\"\n");
    bench.place.write("docs/b.md", "The key is `Zq8xLm2xTr7pKd`.\n\nThe secret key defaults to `Zq7xLm2xTr7pKd`\n");
    bench.place.write("chart/Chart.yaml", "name: shop\n").write("chart/README.md", "| `password` | Of the shop | `Zq6xLm2xTr7pKd` |\n");
    bench.place.write("demo.py", "import os\nAPI_SECRET = os.getenv(\"API_SECRET\", \"Zq5xLm2xTr7pKd8aWbN4\")\n");
    bench.place.write("e2e-tests/conf/secrets.yml", SECRET.replace("Zq9", "Zq2"));
    bench.commit();
    let run = bench.migrate(["--dry-run", "--no-history"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let why = |place: &str| {
        let at = lines.iter().position(|line| line.contains(place)).unwrap_or_else(|| panic!("{place}: {}", run.stdout));
        (lines[at].split_whitespace().nth(1).unwrap_or_default(), lines.get(at + 1).copied().unwrap_or_default())
    };
    assert_eq!(why("web/compose.yaml:5").0, "safe", "{}", run.stdout);
    assert_eq!(why("alone/one.sh:2").0, "safe", "{}", run.stdout);
    assert_eq!(why("here/stops.sh:4").0, "safe", "{}", run.stdout);
    assert!(run.stdout.contains("→ db/compose.sops.env DB_PGPASSWORD"), "{}", run.stdout);
    for (place, reason) in [
        ("k8s/jwt-key.yaml:6", "install.sh reads the file itself"),
        ("img/entry.sh:2", "img/Dockerfile copies it into an image"),
        ("here/on.sh:3", "the script may go on"),
        ("job/scripts/load.py:1", "job/Dockerfile copies it into an image"),
        ("tool/setup.py:1", "tool/setup.sh runs it and goes on where it stops"),
        ("gen/run.sh:2", "gen/kustomization.yaml makes a ConfigMap of it: give its containers the variable"),
        ("pg/init/users.sh:2", "pg/docker-compose.yml uses it: give it the variable there"),
        ("ch/fs/init/odbc.sh:2", "ch/compose.yaml uses it"),
        ("docs/c.md:3", "the text tells what a program has by default"),
        ("ci/deploy.sh:2", ".github/workflows/ci.yml uses it"),
        ("part/one.sh:2", "all.sh runs it and goes on where it stops"),
        ("srv/compose.yaml:5", "srv/bin/up.sh calls compose with sudo"),
        ("note.sh:3", "it is only printed here"),
        ("count.sh:5", "only a part of the script stops here"),
        ("told.sh:3", "it is only printed here"),
        ("docs/b.md:3", "the text tells what a program has by default"),
        ("chart/README.md:1", "the text tells what a program has by default"),
        ("demo.py:2", "the program takes it when a variable is not set"),
        ("docs/a.md:1", "the text tells what a program has by default"),
        ("e2e-tests/conf/secrets.yml:6", "a test, which may want the file as it is"),
    ] {
        let (verdict, why) = why(place);
        assert!(verdict == "needs-review" && why.contains(reason), "{place}: {verdict} {why}");
    }
}

#[test]
fn a_value_that_ends_with_a_mark_moves_whole() {
    let bench = Bench::new();
    bench.place.write("a.sh", "#!/bin/sh\nset -e\nPASSWORD=Zq9wLm2xTr7pKd\nadd \"DB_PASSWORD\" \"Zq9wLm2xTr7pKd#\"\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert!(bench.decrypt("a.sops.env").contains("ADD_PASSWORD=Zq9wLm2xTr7pKd#\n"));
}

#[test]
fn what_was_not_moved_is_counted_though_a_scan_finds_it_no_more() {
    let bench = Bench::new();
    bench.place.write("k8s/db.yaml", SECRET).write("run.sh", "#!/bin/sh\ncompare Zq9wLm2xTr7pKd other | cat\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("1 place left;"), "{}", run.stdout);
    assert!(run.stdout.contains("`sopup verify` names them"), "{}", run.stdout);
    let verified = bench.sopup(["verify"]);
    assert!(verified.stdout.contains("run.sh:2"), "{}", verified.stdout);
}

#[test]
fn entries_with_one_value_are_one_or_are_named_together() {
    let bench = Bench::new();
    let compose = "services:\n  db:\n    image: x\n    environment:\n      SA_PASSWORD: SwN12345678\n  app:\n    image: y\n    environment:\n      \
                   ConnectionStrings__Database: Server=db;Database=shop;User Id=sa;Password=SwN12345678;Encrypt=False\n";
    bench.place.write("compose.yaml", compose);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = std::fs::read_to_string(bench.place.join("compose.yaml")).expect("a file");
    assert_eq!(text.matches("${SA_PASSWORD:?").count(), 2, "{text}");
    assert_eq!(bench.decrypt("compose.sops.env"), "SA_PASSWORD=SwN12345678\n");
}

#[test]
fn a_comment_within_what_is_cut_out_stops_nothing() {
    let bench = Bench::new();
    let text = "# kubectl create secret generic db --from-literal=password=Zq8wLm2xTr7pKd\napiVersion: v1\nkind: Secret\nmetadata:\n  name: \
                db\nstringData:\n  password: Zq9wLm2xTr7pKd\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n";
    bench.place.write("k8s/app.yaml", text).write("a.md", "The password is `P19wLm2xTr7pKd`.\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("it lies within what another step takes out"), "{}", run.stdout);
    assert!(bench.decrypt("secrets/shared.enc.yaml").contains("P19wLm2xTr7pKd"));
}

#[test]
fn keys_in_blocks_are_rendered_as_they_were() {
    let bench = Bench::new();
    let key = format!(
        "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
        "MIIEbUvD6HTj1xFJWKZMlQ75zzE9CwuOBtAvB2iS5oafiMFDUTnBufroHnrnfSa8Q\n".repeat(4).trim_end()
    );
    let text = format!("git:\n  privateKey: |\n    {}\n  user: x\n", key.replace('\n', "\n    "));
    bench.place.write("conf/settings.yml", &text);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let rendered = bench.sopup(["render", "conf/settings.yml"]);
    assert_eq!(rendered.stdout, text, "{}", rendered.stderr);
}

/// A default in quotes gives way with the whole expansion, since its variable can have the value.
#[test]
fn quoted_defaults_give_way_whole() {
    let bench = Bench::new();
    bench
        .place
        .write("demo.sh", "#!/bin/sh\nset -e\nKEY_SECRET=${API_KEY_SECRET:-\"Zq9wLm2xTr7pKd8aWbN4\"}\nprintf '%s' \"$KEY_SECRET\"\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(bench.decrypt("demo.sops.env"), "API_KEY_SECRET=Zq9wLm2xTr7pKd8aWbN4\n");
    let script = std::fs::read_to_string(bench.place.join("demo.sh")).expect("a script");
    assert!(script.contains("\nKEY_SECRET=${API_KEY_SECRET:?set by sops exec-env demo.sops.env}\n"), "{script}");
}

#[test]
fn a_store_that_git_would_ignore_leaves_its_steps_to_people_and_the_rest_goes_on() {
    let bench = Bench::new();
    bench.place.write(".gitignore", "k8s/*secret*.enc.yaml\n");
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: shop-secret\nspec:\n  template:\n    spec:\n      containers:\n        - name: shop\n          env:\n            - name: DB_PASSWORD\n              value: Zq8wLm2xTr7pKd\n";
    bench.place.write("k8s/deployment.yaml", deployment).write("other.sh", "#!/bin/sh\nset -e\nlogin --password=Zq9wLm2xTr7pKd\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("left alone, as git ignores its SOPS file"), "{}", run.stdout);
    assert!(bench.decrypt("other.sops.env").contains("Zq9wLm2xTr7pKd"));
}

#[test]
fn scripts_with_the_same_value_share_it_and_get_no_other() {
    let bench = Bench::new();
    let script = "#!/bin/sh\nset -e\nexport DB_PASSWORD=Zq9wLm2xTr7pKd8aWbN4\nprintf '%s' \"$DB_PASSWORD\"\n";
    bench.place.write("ops/a.sh", script).write("ops/b.sh", script).write("other/a.sh", script);
    bench.place.write("ops/c.sh", format!("{script}export API_TOKEN=Tr4pHw9Qz2Lm7Kd8aWbN5\n"));
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(bench.decrypt("ops/a.sops.env"), "DB_PASSWORD=Zq9wLm2xTr7pKd8aWbN4\n");
    assert_eq!(bench.decrypt("ops/c.sops.env").lines().count(), 2);
    assert!(!bench.place.join("ops/b.sops.env").exists() && bench.place.join("other/a.sops.env").exists());
    assert!(run.stdout.contains("ops/a.sh, ops/b.sh: run with `sops exec-env ops/a.sops.env 'bash FILE'`"), "{}", run.stdout);
    for script in ["ops/a.sh", "ops/b.sh"] {
        let run = bench.run(Command::new(sops_binary()).args(["exec-env", "ops/a.sops.env", &format!("bash {script}")]));
        assert_eq!((run.code, run.stdout.as_str()), (0, "Zq9wLm2xTr7pKd8aWbN4"), "{}", run.stderr);
    }
}

/// A word that is moved in one file may be read as a password in another one only after that has changed, too.
#[test]
fn what_is_found_anew_where_nothing_was_moved_is_no_failure() {
    let bench = Bench::new();
    let compose = "services:\n  db:\n    image: x\n    environment:\n      MYSQL_PASSWORD: walrus\n";
    bench.place.write("compose.yaml", compose);
    bench.place.write("notes.md", "| user | password: Zq9wLm2xTr7pKd8aWbN4 |\n|---|---|\n| anna | walrus |\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert!(run.code < 2, "{}{}", run.stdout, run.stderr);
    let notes = std::fs::read_to_string(bench.place.join("notes.md")).expect("notes");
    assert!(!notes.contains("Zq9wLm2xTr7pKd8aWbN4") && notes.contains("walrus"), "{notes}");
}

/// Two services with one variable of different values: a name that says nothing is told by its service.
#[test]
fn values_of_one_variable_are_called_after_their_services() {
    let bench = Bench::new();
    let service = |name: &str, value: &str| format!("  {name}:\n    image: x\n    environment:\n      TOKEN: {value}\n");
    let compose = format!("services:\n{}{}", service("shop", "Zq9wLm2xTr7pKd8aWbN4"), service("desk", "Tr4pHw9Qz2Lm7Kd8aWbN5"));
    bench.place.write("compose.yaml", compose);
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(bench.decrypt("compose.sops.env"), "SHOP_TOKEN=Zq9wLm2xTr7pKd8aWbN4\nDESK_TOKEN=Tr4pHw9Qz2Lm7Kd8aWbN5\n");
}

#[test]
fn what_programs_of_the_repository_do_with_a_value_is_known() {
    let bench = Bench::new();
    let token = "Zq9xLm2xTr7pKd8aWbN4";
    bench.place.write(".env.example", "MAIL_PASSWORD=Zq9wLm2xTr7pKd\n");
    bench.place.write("server/app.js", "process.loadEnvFile('.env.example');\n");
    bench
        .place
        .write("copied/.env.example", "MAIL_URL=smtp://shop:Zq8wLm2xTr7pKd@mail.corp.net/\n")
        .write("copied/app.js", "// cp .env.example .env\n");
    bench.place.write("seed.py", format!("def seed():\n    token = \"{token}\"\n"));
    bench.place.write("base.py", "class Base:\n    DATABASES = {\n        'PASSWORD': 'Zq7wLm2xTr7pKd',\n    }\n");
    bench.place.write("lib.sh", "login() {\n  run --password=Zq6wLm2xTr7pKd\n}\n").write("main.sh", "#!/bin/sh\n. ./lib.sh\nlogin\n");
    bench.place.write("login.go", "package main\n\nfunc ok(pass string) bool { return pass == \"Zq5wLm2xTr7pKd\" }\n");
    bench.place.write("Help.php", "<?php\n$help = 'Call it with\n  --password=\"Zq4wLm2xTr7pKd\" here';\n");
    bench.place.write("Rules.php", "<?php\nclass Rules {\n    private $all = [\n        'password' => 'Zq3wLm2xTr7pKd',\n    ];\n}\n");
    bench.place.write(
        ".github/workflows/a.yml",
        "jobs:\n  a:\n    strategy:\n      matrix:\n        include:\n          - db_password: Zq2wLm2xTr7pKd\n",
    );
    bench.place.write("guide.md", "The password is `Zq1wLm2xTr7pKd`.\n\nFor example, log in with the password `Zq1wLm2xTr7pKd`.\n");
    bench.commit();
    let plan = bench.migrate(["--dry-run"]).stdout;
    for line in [
        "- needs-review .env.example:1",
        "server/app.js loads this example",
        "+ safe copied/.env.example:1",
        "- needs-review seed.py:2",
        "+ safe base.py:3",
        "main.sh reads it in: run that with `sops exec-env lib.sops.env 'bash main.sh'`",
        "- manual login.go:3",
        "- manual Help.php:3",
        "- manual Rules.php:4",
        "GitHub has no `secrets` in a matrix",
        "- needs-review guide.md:1",
        "- needs-review guide.md:3",
    ] {
        assert!(plan.contains(line), "{line} in {plan}");
    }
}

#[test]
fn one_command_has_all_that_services_need_and_each_its_own() {
    let bench = Bench::new();
    let services = "services:\n  db:\n    image: x\n    env_file: db.env\n    environment:\n      MYSQL_ROOT_PASSWORD: Zq9wLm2xTr7pKd\n  \
                    pg:\n    image: y\n    environment:\n      POSTGRES_PASSWORD: Zq9wLm2xTr7pKd\n  app:\n    image: z\n    environment:\n      \
                    DB_PASSWORD: Zq9wLm2xTr7pKd\n";
    bench.place.write("compose.yaml", services).write("db.env", "ADMIN_PASSWORD=Zq8wLm2xTr7pKd\n");
    bench.commit();
    let run = bench.migrate(["--yes", "--include-review", "--no-history"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let text = std::fs::read_to_string(bench.place.join("compose.yaml")).expect("reads");
    for (name, variable) in [("MYSQL_ROOT", "MYSQL_ROOT_PASSWORD"), ("POSTGRES", "POSTGRES_PASSWORD"), ("DB", "MYSQL_ROOT_PASSWORD")] {
        assert!(text.contains(&format!("{name}_PASSWORD: ${{{variable}:?")), "{text}");
    }
    let values = bench.decrypt("compose.sops.env");
    for name in ["MYSQL_ROOT_PASSWORD", "POSTGRES_PASSWORD", "ADMIN_PASSWORD"] {
        assert!(values.lines().any(|line| line.starts_with(&format!("{name}="))), "{values}");
    }
    assert!(!run.stdout.contains("db.sops.env"), "{}", run.stdout);
}
