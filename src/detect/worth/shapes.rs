//! Shapes that a value can have and a secret has not: paths, addresses, code, markup. Each has a name, by which it is told
//! why a value is no secret. Most are patterns (`patterns/shapes/`); the rest need more than a pattern.

use std::sync::LazyLock;

use regex::bytes::{RegexSet, RegexSetBuilder};

use super::digest::{is_checksum, is_hash, is_key_id};
use super::path::{is_document, is_file_name, is_place_in_file, is_system_path};
use super::structure::{is_attribute, is_hashed_name, is_path};
use crate::detect::Evidence;

use Fits::{Bytes, Text};

/// What a value is by its shape, whatever the name says.
pub(super) fn shape_of(value: &[u8]) -> Option<&'static Evidence> {
    first(value, |shape| Some(shape.fits)).or_else(|| FITTING.first(value))
}

/// What a value that looks generated is by its shape all the same: one of several characters, which chance hardly brings about.
pub(super) fn unmistakable(value: &[u8]) -> Option<&'static Evidence> {
    first(value, |shape| shape.unmistakable).or_else(|| UNMISTAKABLE.first(value))
}

/// The first computed shape that fits by one of its tests.
fn first(value: &[u8], test: impl Fn(&Computed) -> Option<Fits>) -> Option<&'static Evidence> {
    let text = std::str::from_utf8(value).ok();
    let fits = |shape: &&Computed| match test(shape) {
        Some(Fits::Bytes(fits)) => fits(value),
        Some(Fits::Text(fits)) => text.is_some_and(fits),
        None => false,
    };
    COMPUTED.iter().find(fits).map(|shape| &shape.evidence)
}

/// A shape that a pattern tells, which matches the whole value.
struct Shape {
    evidence: Evidence,
    pattern: &'static str,
    /// The pattern that tells it where a generator may have made the value, if one can.
    unmistakable: Option<&'static str>,
    examples: &'static [&'static str],
    negatives: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

static FITTING: LazyLock<Set> = LazyLock::new(|| Set::of(|shape| Some(shape.pattern)));
static UNMISTAKABLE: LazyLock<Set> = LazyLock::new(|| Set::of(|shape| shape.unmistakable));

/// Patterns that are tried in one pass.
struct Set {
    patterns: RegexSet,
    evidence: Vec<&'static Evidence>,
}

impl Set {
    fn of(pattern: impl Fn(&Shape) -> Option<&'static str>) -> Self {
        let (patterns, evidence): (Vec<String>, Vec<&Evidence>) =
            SHAPES.iter().filter_map(|shape| Some((format!(r"\A(?:{})\z", pattern(shape)?), &shape.evidence))).unzip();
        let patterns = RegexSetBuilder::new(patterns).unicode(false).dot_matches_new_line(true).build();
        Self { patterns: patterns.expect("the build compiled each of them"), evidence }
    }

    fn first(&self, value: &[u8]) -> Option<&'static Evidence> {
        self.patterns.matches(value).iter().next().map(|at| self.evidence[at])
    }
}

/// The shapes that patterns tell: what each is called, and what is wrong with it by its examples.
pub fn check_shapes() -> impl Iterator<Item = (&'static str, Vec<String>)> {
    SHAPES.iter().map(|shape| {
        let alone = Set::of(|other| (other.evidence.id == shape.evidence.id).then_some(other.pattern));
        let fits = |value: &&&str| alone.first(value.as_bytes()).is_some();
        let missed = shape.examples.iter().filter(|value| !fits(value)).map(|value| format!("does not fit its example {value:?}"));
        let taken = shape.negatives.iter().filter(fits).map(|value| format!("fits its negative {value:?}"));
        (shape.evidence.id, missed.chain(taken).collect())
    })
}

/// A shape that takes more than a pattern.
struct Computed {
    evidence: Evidence,
    fits: Fits,
    /// How it is recognised where a generator may have made the value, if it can be.
    unmistakable: Option<Fits>,
}

/// How a shape is recognised.
#[derive(Clone, Copy)]
enum Fits {
    Bytes(fn(&[u8]) -> bool),
    Text(fn(&str) -> bool),
}

const fn computed(id: &'static str, what: &'static str, fits: Fits) -> Computed {
    Computed { evidence: Evidence::new(id, what), fits, unmistakable: None }
}

impl Computed {
    /// Nothing that was generated looks like it.
    const fn sure(self) -> Self {
        let unmistakable = Some(self.fits);
        Self { unmistakable, ..self }
    }

    /// Nothing that was generated looks like this.
    const fn sure_if(self, fits: Fits) -> Self {
        Self { unmistakable: Some(fits), ..self }
    }
}

/// The first that fits counts, before all patterns.
static COMPUTED: [Computed; 10] = [
    computed("path", "a path", Bytes(is_path)).sure_if(Bytes(is_system_path)),
    computed("checksum", "a checksum", Bytes(is_checksum)).sure(),
    computed("key-id", "the ID of a key", Bytes(is_key_id)),
    computed("hash", "a hash", Bytes(is_hash)).sure(),
    computed("cut-attribute", "an attribute without its value", Bytes(|value| value.strip_suffix(b"=").is_some_and(is_attribute))),
    computed("cut-line", "lines of code", Bytes(|value| value.len() < 40 && memchr::memmem::find(value, b"\\n").is_some())),
    computed("file-name", "the name of a file", Text(is_file_name)).sure_if(Text(|text| text.contains('/') && is_file_name(text))),
    computed("document", "a document", Text(is_document)).sure(),
    computed("place-in-file", "a place in a file", Text(is_place_in_file)).sure(),
    computed("hashed-name", "the name of a generated secret", Text(is_hashed_name)).sure(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_hold_against_their_examples() {
        for (id, wrong) in check_shapes() {
            assert_eq!(wrong, Vec::<String>::new(), "{id}");
        }
    }

    #[test]
    fn values_are_told_by_name() {
        for (id, examples, others) in [
            ("path", ["/run/secrets/db_password", "./secrets/db.txt", "C:\\keys"], ["q8/Zk2=Yx", "//x/y", "/walrus"]),
            (
                "checksum",
                ["sha256:5e7e0fd554f3030d5ff2f2e9b8c95c0298da6fa2", "sha512-z0y9x8w7v6u5t4s3r2q1", "sha1:5e7e0fd554f3030d5ff2"],
                ["sha256", "sha256:88", "walrus:5e7e0fd554f3030d5ff2"],
            ),
            (
                "key-id",
                ["0x0A9AF2115F4687BD", "0x5F4687BD", "0xde0b295669a9fd93d5f28d9ec85e40f4cb697bae"],
                ["0x88", "5F4687BD", "0x5F4687BG"],
            ),
            (
                "hash",
                ["{MD5}wb68DeX0CyENafzUADNn9A==", "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19", "md5a3556571e93b0d20722ba62be61e8c2d"],
                ["*88", "md5walrus", "Walrus88Timber"],
            ),
            ("cut-attribute", ["maxlength=", "data-name=", ",IncludeAcls="], ["Zq9=", "walrus88=", "a=b"]),
            ("cut-line", ["x;\\n", "\\nwalrus", "a\\nb"], ["a\nb", "Walrus88", "n"]),
            ("file-name", ["values.yaml", "db/tls.key", "app.conf.12"], ["w_m96qigixn4d5QjW.tf", "walrus", ".yaml"]),
            ("document", ["shop-45e35d85a593.json", "45e35d85a593f0c1d2.pem", "q8Zk2VxR7mNp4Ws.key"], ["walrus", "a b.json", ".json"]),
            ("place-in-file", ["citations.py:103-229", "src/app.ts:12,40-44", "a.rs:7"], ["walrus:88", "app.ts:", "app.ts:x"]),
            (
                "hashed-name",
                ["shop-credentials-a15c1b308a", "db-token-9f8e7d6c", "app-config-0a1b2c3d4e"],
                ["walrus-a15c1b308a", "Shop-key-1", "shop-credentials"],
            ),
        ] {
            for value in examples {
                assert_eq!(shape_of(value.as_bytes()).map(|shape| shape.id), Some(id), "{value}");
            }
            for value in others {
                assert_ne!(shape_of(value.as_bytes()).map(|shape| shape.id), Some(id), "{value}");
            }
        }
    }

    #[test]
    fn secrets_have_no_shape() {
        for value in [
            "Walrus88Timber",
            "IV+QNk7v*nsk7Jj1m2gwpV0",
            "Orchid.Meadow.Tundra.898",
            "S4ffr0nL4g00n27!",
            "q8/Zk2=Yx",
            "w_m96qigixn4d5QjW.tf",
        ] {
            assert_eq!(shape_of(value.as_bytes()), None, "{value}");
            assert_eq!(unmistakable(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn names_of_shapes_are_unique() {
        let mut ids: Vec<&str> =
            SHAPES.iter().map(|shape| shape.evidence.id).chain(COMPUTED.iter().map(|shape| shape.evidence.id)).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), SHAPES.len() + COMPUTED.len());
    }
}
