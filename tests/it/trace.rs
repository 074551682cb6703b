//! A text made from parts of another one, searched only where it is new: the outcome must be that
//! of searching it whole, generation after generation.

use std::sync::LazyLock;

use proptest::prelude::*;
use sopup::detect::{Hints, Notation, Trace};
use sopup::rule::{RuleSet, builtin};
use sopup::text::{Copied, joined};

static RULES: LazyLock<RuleSet> = LazyLock::new(builtin);

/// Texts that lead somewhere: every rule's examples, and structures that reach over many lines.
static SNIPPETS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let examples = RULES.rules().flat_map(|rule| rule.examples.iter().chain(rule.negatives));
    let mut snippets: Vec<String> = examples.map(|example| example.replace(['«', '»'], "")).collect();
    snippets.extend(STRUCTURES.iter().map(|text| (*text).to_owned()));
    snippets
});

const STRUCTURES: &[&str] = &[
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: V2FscnVzODhUaW1iZXI=\n  token: T255eDc3R2xhY2llcg==\nstringData:\n  extra: Quartz55Lagoon\n---\n",
    "---\n",
    "kind: Secret\n",
    "data:\n  admin-password: V2FscnVzODhUaW1iZXI=\n",
    "| Service | User | Password |\n|---|---|---|\n| grafana | admin | Walrus88Timber |\n| kibana | ops | Onyx77Glacier |\n",
    "| jenkins | admin | Quartz55Lagoon |\n",
    "| Env | AWS Account |\n|---|---|\n| prod | 296733347720 |\n| staging | 2967-3334-7721 |\n",
    "arn:aws:iam::296733347720:role/ci\n",
    "the account 296733347722 belongs to us\n",
    "aws\n",
    "aws_accounts:\n  prod: \"296733347720\"\n  audit: \"296733347721\"\n",
    "      - name: DB_PASSWORD\n        value: Walrus88Timber\n",
    "        value: Onyx77Glacier\n",
    "password: |-\n  Walrus88Timber\n",
    "  Onyx77Glacier\n",
    "postgres://app:Walrus88Timber@db.internal:5432/app",
    "The admin password is `Walrus88Timber`.\n",
    "Login with admin / Walrus88Timber\n",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gun\nVTLwNAQzmeIZ5BxSy8DyfmLtWdVqsGBHbkbzWBQCk6PRvVTIzWkBqXK7XQYyIYJm\n",
    "q4Y2wPS6tyH7vFc4zKGPm9c1N2cEwJ9NZqAmaMzQ3kY3tUo0Mj4p0kWvZ0QyWfMX\n-----END RSA PRIVATE KEY-----\n",
    "password",
    "secret_key",
    ": ",
    "=",
    "\"",
    "`",
    "\n",
    "\n\n",
    "    ",
    "AKIA",
    "eyJhbGciOiJIUzI1NiJ9.",
    "ghp_",
    "<td>grafana</td><td>admin</td><td>Walrus88Timber</td>\n",
    "\0",
    "Z2hwX1gwNmdXTzYwUnAySmFrMlJ2WUs0ak9WcGIzYm9IbTFHd1dFaQ==",
    "aGVsbG8gd29ybGQ",
    "6768705f5830366757",
    "<table><tr><th>Host</th><th>Password</th></tr>\n<tr><td>db1</td><td>Walrus88Timber</td></tr>\n</table>\n",
    "<dt>Password</dt>\n<dd>Walrus88Timber</dd>\n",
    "=======  ==============\nService  Password\n=======  ==============\nGrafana  Walrus88Timber\n=======  ==============\n",
    "+------+----------------+\n| Host | Password       |\n+======+================+\n| db1  | Walrus88Timber |\n",
    ".. list-table::\n\n   * - Service\n     - Password\n   * - Jira\n     - Walrus88Timber\n",
    "|===\n|Service |Password\n\n|Grafana\n|Walrus88Timber\n|===\n",
    "password: >-\n  Walrus88\n  Timber77\n",
    "password:\n  \"Walrus88Timber\"\n",
    "apiKeys:\n  - yI7CqhxNl5Mk6WGq81Td\n",
    "## Admin password\n\nWalrus88Timber\n",
    "variable \"db_password\" {\n  type = string\n  default = \"Walrus88Timber\"\n}\n",
    "INSERT INTO users (name, password)\nVALUES\n  ('bob', 'Walrus88Timber'),\n  ('al', 'Onyx77Glacier');\n",
    "  ('eve', 'Quartz55Lagoon'),\n",
    "| Host | Password | Notes |\n|---|---|---|\n| db1 | Walrus88Timber | old |\n",
    "| Host | Login | Owner |\n|---|---|---|\n| db1 | admin / Onyx77Glacier | bob |\n",
    "| Password | Walrus88Timber | Quartz55Lagoon |\n",
    "accounts:\n  dev: \"296733347720\"\n  prod: \"296733347721\"\n",
    "- **Production**: 296733347723\n",
    "These are AWS accounts.\n",
    "        - name: AWS_ACCOUNT_ID\n          value: \"296733347724\"\n",
    "prod AWS account is 296733347725 (eu-west-1), staging is 296733347726.\n",
    "hash: \"{{ 'Walrus88Timber' | password_hash('sha512') }}\"\n",
    "chpasswd:\n  list: |\n    root:Walrus88Timber\n    bob:Onyx77Glacier\n",
    "admin_key:\n  - name: admin\n    key: 7c1e90b45fd2a836e0b94c7d15f8a263\n    role: admin\n",
    "user / password: admin / Walrus88Timber\n",
    "| User | Password |\n|---|---|\n",
    "| ops | Onyx77Glacier |\n| al | Quartz55Lagoon |\n",
    "| Password | Secret key |\n|---|---|\n| Walrus88Timber | yI7CqhxNl5Mk6WGq81Td |\n",
    "<tr><th>Host</th><th>Password</th></tr>\n",
    "<tr><td>db2</td><td>Onyx77Glacier</td></tr>\n",
    "+------+----------------+\n| Host | Password       |\n+------+----------------+\n",
    "INSERT INTO users (name, password) VALUES (",
    "'zoe', 'Onyx77Glacier'), (",
    "  kind: Secret\n  stringData:\n    password: Walrus88Timber\n",
    "kind: Secret\nstringData:\n  password: Onyx77Glacier\n",
    "AAAAAAAAAAAAAAAA",
    "\\nghp_\\nghp_",
    "url: ${DB_PASSWORD:Walrus88Timber}\n",
    "  DBPassword:\n    Type: String\n    Default: Walrus88Timber\n",
];

/// What a text is made of.
#[derive(Debug, Clone)]
enum Piece {
    Snippet(usize),
    /// Filler in lines or in one line.
    Filler(usize, bool),
    Noise(Vec<u8>),
}

impl Piece {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Snippet(at) => out.extend_from_slice(SNIPPETS[at % SNIPPETS.len()].as_bytes()),
            Self::Filler(len, lines) => {
                let filler: &[u8] = if *lines { b"some words of a text\n" } else { b"some words of a text " };
                out.extend(filler.iter().cycle().take(*len));
            }
            Self::Noise(bytes) => out.extend_from_slice(bytes),
        }
    }
}

fn piece() -> impl Strategy<Value = Piece> {
    let structures = STRUCTURES.len();
    let last = move |at: usize| Piece::Snippet(SNIPPETS.len() - structures + at % structures);
    prop_oneof![
        3 => any::<usize>().prop_map(Piece::Snippet),
        6 => any::<usize>().prop_map(last),
        3 => (0..700_usize, any::<bool>()).prop_map(|(len, lines)| Piece::Filler(len, lines)),
        1 => proptest::collection::vec(any::<u8>(), 0..20).prop_map(Piece::Noise),
    ]
}

/// How the next generation is made: parts of the last one, in any order, and new pieces.
#[derive(Debug, Clone)]
enum Part {
    /// From and to as shares of 65,536.
    Copy(u16, u16),
    New(Piece),
}

fn generation() -> impl Strategy<Value = Vec<Part>> {
    // An edit as people make them, or anything.
    let edit = (any::<u16>(), 0..200_u16, proptest::option::of(piece())).prop_map(|(at, cut, new)| {
        let mut parts = vec![Part::Copy(0, at)];
        parts.extend(new.map(Part::New));
        parts.push(Part::Copy(at.saturating_add(cut), u16::MAX));
        parts
    });
    let any_part =
        prop_oneof![3 => (any::<u16>(), any::<u16>()).prop_map(|(a, b)| Part::Copy(a.min(b), a.max(b))), 2 => piece().prop_map(Part::New)];
    prop_oneof![3 => edit, 2 => proptest::collection::vec(any_part, 1..6)]
}

fn make(base: &[u8], parts: &[Part]) -> (Vec<u8>, Vec<Copied>) {
    let mut text = Vec::new();
    let mut copied: Vec<Copied> = Vec::new();
    let place = |share: u16| if share == u16::MAX { base.len() } else { base.len() * usize::from(share) / 65_536 };
    for part in parts {
        match part {
            Part::Copy(from, to) => {
                let (from, to) = (place(*from), place(*to));
                if from < to {
                    copied.push(Copied { from, to: text.len(), len: to - from });
                    text.extend_from_slice(&base[from..to]);
                }
            }
            Part::New(piece) => piece.write(&mut text),
        }
    }
    (text, joined(copied))
}

fn hints() -> impl Strategy<Value = Hints> {
    let notation = prop_oneof![
        Just(Notation::Unknown),
        Just(Notation::Prose),
        Just(Notation::Yaml),
        Just(Notation::Lines),
        Just(Notation::Quoted),
        Just(Notation::Source),
    ];
    notation.prop_map(|notation| Hints { notation, ..Hints::NONE })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rereading_finds_what_reading_finds(
        pieces in proptest::collection::vec(piece(), 0..40),
        generations in proptest::collection::vec(generation(), 1..5),
        hints in hints(),
    ) {
        let mut text = Vec::new();
        pieces.iter().for_each(|piece| piece.write(&mut text));
        let mut trace = Trace::read(&text, hints.and_bytes(&text), &RULES);
        for parts in &generations {
            let (next, copied) = make(&text, parts);
            let hints = hints.and_bytes(&next);
            trace = Trace::reread(&next, hints, &RULES, &trace, &copied);
            let whole = Trace::read(&next, hints, &RULES);
            prop_assert_eq!(trace.matches(&next, &RULES), whole.matches(&next, &RULES), "{}", String::from_utf8_lossy(&next));
            text = next;
        }
    }
}
