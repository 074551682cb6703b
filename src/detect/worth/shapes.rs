//! Shapes that a value can have and a secret has not: paths, addresses, code, markup. Each has a name, by which it is told
//! why a value is no secret; how it is recognised is in `structure` and its neighbours.

use super::digest::{is_checksum, is_hash, is_key_id};
use super::path::{is_document, is_file_name, is_lower_path, is_place_in_file, is_system_path};
use super::structure::{
    EXPRESSION_MARKS, is_action, is_action_reference, is_address, is_attribute, is_call, is_call_behind_pointer, is_chain_of_calls,
    is_colour, is_credential_scope, is_cut_call, is_cut_method, is_dotted_path, is_element, is_expression, is_format, is_hashed_name,
    is_list_of_names, is_macro, is_media_type, is_module_and_type, is_name_with_reference, is_namespace, is_negation, is_option,
    is_pair_of_names, is_path, is_pinned_version, is_policy, is_query, is_rule_list, is_segmented, is_setting, is_simple_call, is_taint,
    is_translation, is_wildcard, starts_with_host,
};
use crate::detect::Evidence;

use Fits::{Bytes, Text};

/// What a value is by its shape, whatever the name says.
pub(super) fn shape_of(value: &[u8]) -> Option<&'static Evidence> {
    first(value, |shape| Some(shape.fits))
}

/// What a value that looks generated is by its shape all the same: one of several characters, which chance hardly brings about.
pub(super) fn unmistakable(value: &[u8]) -> Option<&'static Evidence> {
    first(value, |shape| shape.unmistakable)
}

/// The first shape that fits by one of its tests.
fn first(value: &[u8], test: impl Fn(&Shape) -> Option<Fits>) -> Option<&'static Evidence> {
    let text = std::str::from_utf8(value).ok();
    let fits = |shape: &&Shape| match test(shape) {
        Some(Fits::Bytes(fits)) => fits(value),
        Some(Fits::Text(fits)) => text.is_some_and(fits),
        None => false,
    };
    SHAPES.iter().find(fits).map(|shape| &shape.evidence)
}

/// A shape that a value can have.
struct Shape {
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

const fn shape(id: &'static str, what: &'static str, fits: Fits) -> Shape {
    Shape { evidence: Evidence::new(id, what), fits, unmistakable: None }
}

impl Shape {
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

/// `{{.Name`, `{{ name }}`: a part of a template.
fn holds_action(value: &[u8]) -> bool {
    [&b"{{."[..], b"{{$", b"{{-", b"{{ "].iter().any(|open| has(value, open))
}

fn has(value: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(value, needle).is_some()
}

/// Paths, addresses, code and markup, whatever the name says; the first that fits counts.
static SHAPES: [Shape; 57] = [
    shape("path", "a path", Bytes(is_path)).sure_if(Bytes(is_system_path)),
    shape("address", "an address", Bytes(|value| has(value, b"://") || value.starts_with(b"//")))
        .sure_if(Bytes(|value| has(value, b"://"))),
    shape("checksum", "a checksum", Bytes(is_checksum)).sure(),
    shape("pem-block", "a PEM block", Bytes(|value| value.starts_with(b"-----BEGIN"))).sure(),
    shape("object", "a part of an object", Bytes(|value| has(value, b":\""))),
    shape(
        "closed-brackets",
        "code behind brackets that close",
        Bytes(|value| {
            [&b"]}"[..], b"})", b"])", b"\"]"].iter().any(|closers| value.starts_with(closers))
                || value.starts_with(b")") && has(value, b"=") && has(value, b".")
        }),
    ),
    shape("query", "a path with a query", Bytes(is_query)),
    shape("key-id", "the ID of a key", Bytes(is_key_id)),
    shape("elements", "a path to elements", Bytes(|value| has(value, b"[*]."))),
    shape("macro", "a macro", Bytes(is_macro)),
    shape("template", "a template", Bytes(|value| has(value, b"={.") && has(value, b"}") || holds_action(value)))
        .sure_if(Bytes(holds_action)),
    shape("namespace", "a name in a namespace", Text(is_namespace)).sure(),
    shape("media-type", "a media type", Text(is_media_type)).sure(),
    shape("pinned-version", "a package at a version", Text(is_pinned_version)).sure(),
    // `password='".quote($x)."'`
    shape(
        "concatenation",
        "a literal that code goes on with",
        Bytes(|value| {
            const JOINTS: [&[u8]; 8] = [b"\".", b"'.", b"\" .", b"' .", b"\"+", b"'+", b".concat(", b").concat("];
            JOINTS.iter().any(|end| value.starts_with(end))
        }),
    )
    .sure(),
    shape("import", "a module that is loaded", Bytes(|value| [&b"require("[..], b"import("].iter().any(|call| value.starts_with(call))))
        .sure(),
    // `keyword.tag-$1`, `string.$S2.escape`, `password.$returns.str`
    shape("group-reference", "a name with a reference in it", Text(is_name_with_reference)).sure(),
    shape("code-mark", "a call in marks", Bytes(|value| value.starts_with(b"`") && has(value, b"`("))),
    shape("call-by-pointer", "a call", Bytes(is_call_behind_pointer)),
    shape(
        "control-characters",
        "text with control characters",
        Bytes(|value| value.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())),
    ),
    shape(
        "open-bracket",
        "an expression in brackets",
        Bytes(|value| {
            matches!(value.first(), Some(b'{' | b'[' | b'(' | b'<' | b'?')) && !value.iter().any(u8::is_ascii_digit)
                || value.starts_with(b"[{")
        }),
    ),
    // `{0.token`, `maxlength=`, `,IncludeAcls=`
    shape(
        "cut-expression",
        "an expression that was cut",
        Bytes(|value| {
            value.starts_with(b"{") && !has(value, b"}")
                || value.starts_with(b"?")
                || [&b"("[..], b"({", b"["].iter().any(|end| value.ends_with(end))
        }),
    )
    .sure_if(Bytes(|value| value.ends_with(b"({"))),
    shape("cut-attribute", "an attribute without its value", Bytes(|value| value.strip_suffix(b"=").is_some_and(is_attribute))),
    shape("pair-of-names", "a pair of names", Bytes(is_pair_of_names)),
    shape(
        "code",
        "code or markup",
        Bytes(|value| {
            const PARTS: [&[u8]; 8] = [b"](", b"::", b"=>", b"->", b"&&", b"||", b"</", b"function("];
            value.ends_with(b"()") || PARTS.iter().any(|part| has(value, part)) || has(value, b"\\n") && value.len() < 40
        }),
    )
    .sure_if(Bytes(|value| has(value, b"=>{") || has(value, b"})}") || has(value, b"function("))),
    shape("translation", "a word of a translation", Text(is_translation)).sure(),
    shape("wildcard", "a name with a wildcard", Text(is_wildcard)),
    shape("format", "a format with numbered places", Text(is_format)),
    shape("regular-expression", "a regular expression", Text(is_expression))
        .sure_if(Text(|text| EXPRESSION_MARKS.iter().any(|mark| mark.len() > 2 && text.contains(mark)))),
    shape("markup-role", "markup", Bytes(|value| value.starts_with(b":") && has(value, b":`"))),
    shape("credential-scope", "the scope of a signature", Bytes(is_credential_scope)).sure(),
    shape("element", "an element of a list and what lies below it", Text(is_element)),
    shape("action", "a controller and its action", Text(is_action)),
    shape("rule-list", "a list of rules for a field", Text(is_rule_list)),
    shape("host-and-port", "a host and a port", Text(is_address)),
    shape("hash", "a hash", Bytes(is_hash)).sure(),
    shape("host-and-path", "a host and a path", Text(starts_with_host)),
    shape("lower-path", "a path in lower case", Text(is_lower_path)),
    shape("segments", "names between slashes", Text(is_segmented)),
    shape("colour", "a colour", Text(is_colour)),
    shape("taint", "a taint of a node", Text(is_taint)),
    shape("module-and-type", "a module and a type", Text(is_module_and_type)).sure(),
    shape("policy", "the name of a rule or a role", Text(is_policy)),
    shape("file-name", "the name of a file", Text(is_file_name)).sure_if(Text(|text| text.contains('/') && is_file_name(text))),
    shape("dotted-path", "a dotted path", Text(is_dotted_path)),
    shape("setting", "a name and a measure", Text(is_setting)),
    shape("cut-call", "a call that was cut", Text(is_cut_call)),
    shape("cut-method", "a method's call that was cut", Text(is_cut_method)).sure(),
    shape("document", "a document", Text(is_document)).sure(),
    shape("place-in-file", "a place in a file", Text(is_place_in_file)).sure(),
    shape("list-of-names", "a list of names", Text(is_list_of_names)).sure(),
    shape("action-reference", "an action and its version", Text(is_action_reference)).sure(),
    shape("hashed-name", "the name of a generated secret", Text(is_hashed_name)).sure(),
    shape("label", "a label", Bytes(|value| value.ends_with(b":"))),
    shape("option", "an option of a command", Bytes(|value| value.starts_with(b"--"))).sure_if(Bytes(is_option)),
    shape("negation", "a negated variable", Text(is_negation)),
    shape("call", "a call", Text(|text| is_call(text.trim_end_matches(';'))))
        .sure_if(Text(|text| is_simple_call(text) || is_chain_of_calls(text))),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_by_name() {
        for (value, id) in [
            ("/run/secrets/db_password", "path"),
            ("./secrets/db.txt", "path"),
            ("https://auth.corp.net/x", "address"),
            ("sha256:5e7e0fd554f3030d5ff2f2e9b8c95c0298da6fa24258afd628be5d8a7e148fd4", "checksum"),
            ("/login?mechanism=oauth2", "query"),
            ("rails_config[", "cut-expression"),
            ("maxlength=", "cut-attribute"),
            ("secret_name1=secret_uri1", "pair-of-names"),
            ("shop::db::password", "code"),
            ("orders.{0}.{1}", "format"),
            ("^[-]{0,2}pass(word|wd)?", "regular-expression"),
            ("credentials#update_password", "action"),
            ("required|string|min:16", "rule-list"),
            ("localhost:3306/test", "host-and-port"),
            ("{MD5}wb68DeX0CyENafzUADNn9A==", "hash"),
            ("team/prod/db", "segments"),
            ("#9809ff", "colour"),
            ("value:NoSchedule", "taint"),
            ("core/v1:Service", "module-and-type"),
            ("role:reader", "policy"),
            ("config.db.password", "dotted-path"),
            ("length=32", "setting"),
            ("IFNULL(@dbPassword", "cut-call"),
            ("jsondecode(data.cluster.outputs.kube_config)", "cut-call"),
            ("TokenUtil.create(10001,", "cut-method"),
            ("e.NewBusinessError(11001", "cut-method"),
            ("Base64.encode(auth.getBytes(Charset", "cut-method"),
            (r"Api\ApiV1Dot1Controller@accountChangePassword", "action"),
            ("support.function.C99.c", "dotted-path"),
            ("+PSK:+AES-128-GCM:+AES-128-CBC:+AEAD", "list-of-names"),
            ("values.yaml", "file-name"),
            ("--db-password", "option"),
            ("acme/flows/actions/make-token@5f1c0b9a7d3e2846b1c3d5e7f9a0b2c4d6e8f0a1", "action-reference"),
            ("acme/make-token@v2.1", "action-reference"),
            ("shop-credentials-a15c1b308a", "hashed-name"),
            ("--shm-size=128MB", "option"),
            ("!isVisiblePass", "negation"),
            ("getPassword(user)", "call"),
            ("Form.string().min(8).max(50)", "call"),
            ("keyword.tag-$1", "group-reference"),
            ("string.$S2.escape", "group-reference"),
        ] {
            assert_eq!(shape_of(value.as_bytes()).map(|shape| shape.id), Some(id), "{value}");
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
        let mut ids: Vec<&str> = SHAPES.iter().map(|shape| shape.evidence.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), SHAPES.len());
    }
}
