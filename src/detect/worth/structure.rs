//! How values are recognised that are no secret by their structure: paths, addresses, code and markup.

use super::measure::is_measure;
use super::path::is_system_path;
use super::randomness::{self, Makeup};
use crate::rule::lexicon::{MEDIA_KINDS, VALUE_NAMES};

/// Begins like a path, and is no base64 with a slash in front.
pub(super) fn is_path(value: &[u8]) -> bool {
    const STARTS: [&[u8]; 5] = [b"./", b"../", b"~/", b"\\\\", b"C:\\"];
    // Base64 can begin with a slash and have another one.
    let generated = || {
        !is_system_path(value)
            && value.len() >= 32
            && !value.contains(&b'.')
            && Makeup::of(value).classes() >= 3
            && randomness::is_random(value)
    };
    value.starts_with(b"/") && !value.starts_with(b"//") && value[1..].contains(&b'/') && !generated()
        || STARTS.iter().any(|start| value.starts_with(start))
}

/// `keyword.tag-$1`, `password.$returns.str`: words in lower case, and among them one that refers to something.
pub(super) fn is_name_with_reference(text: &str) -> bool {
    let word = |part: &str| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let reference = |part: &str| {
        part.strip_prefix('$').is_some_and(|name| (1..=16).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    };
    let mut parts = text.split(['.', '-']);
    parts.next().is_some_and(word) && parts.clone().any(reference) && parts.all(|part| word(part) || reference(part))
}

/// `AKID/20260101/eu-west-1/s3/aws4_request`
pub(super) fn is_credential_scope(value: &[u8]) -> bool {
    value.ends_with(b"/aws4_request")
}

/// `,shop.adminPassword=`: between two values of a list, of which the first was a slot.
pub(super) fn is_list_of_names(text: &str) -> bool {
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let attribute = text.strip_prefix(',').and_then(|rest| rest.strip_suffix('=')).is_some_and(|name_of| name_of.bytes().all(name));
    // `EECDH+aRSA:+PSK:+AES-128-GCM`: suites of ciphers.
    let cipher = |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'!'));
    let suites =
        text.split(':').filter(|part| !part.is_empty()).all(cipher) && text.matches(":+").count() + text.matches(":!").count() >= 2;
    attribute || suites
}

/// `value:NoSchedule`: what keeps pods from a node of Kubernetes.
pub(super) fn is_taint(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(_, effect)| matches!(effect, "NoSchedule" | "PreferNoSchedule" | "NoExecute"))
}

/// `core/v1:Service`: a module, its version, and a type in it.
pub(super) fn is_module_and_type(text: &str) -> bool {
    let Some((module, name)) = text.split_once(':') else { return false };
    let version = |part: &str| part.strip_prefix('v').is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    let part = |part: &str| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_lowercase()) || version(part);
    let titled = name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|byte| byte.is_ascii_alphabetic());
    module.contains('/') && module.split('/').all(part) && titled
}

/// `sys.argv[5]`, `get("db2")`: a name, and one simple argument; `md5(rot13(x));`.
pub(super) fn is_simple_call(text: &str) -> bool {
    let text = text.strip_suffix(';').unwrap_or(text);
    if let Some(calls) = text.strip_suffix("))") {
        let name =
            |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        return calls.split('(').count() == 3 && calls.split('(').all(name);
    }
    let Some((name, argument)) = text.split_once(['(', '[']) else { return false };
    let identifier = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    let argument = argument.strip_suffix([')', ']']).unwrap_or("()");
    name.len() >= 2 && identifier(name) && identifier(argument.trim_matches(['"', '\'', '$', '@']))
}

/// `string().min(8).max(50)`: calls one after the other, of nothing or of a number or word each.
pub(super) fn is_chain_of_calls(text: &str) -> bool {
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    let mut calls = text.trim_end_matches(';').split_inclusive(')').map(|call| call.strip_suffix(')')?.split_once('('));
    let count = text.matches("()").count().max(text.matches(").").count());
    count > 0
        && text.contains(").")
        && calls.all(|call| call.is_some_and(|(name, argument)| name.len() > 1 && plain(name) && plain(argument)))
}

/// `Ung\u00FCltige`: a word of a translation, as `.properties` files have it: letters, and what ends a sentence.
pub(super) fn is_translation(text: &str) -> bool {
    let mut parts = text.split("\\u");
    let letters = |part: &str| part.trim_end_matches(['.', ',', '!', '?', ':', ';']).bytes().all(|byte| byte.is_ascii_alphabetic());
    let letter = |part: &str| {
        let code = part.get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        code.is_some_and(|code| code >= 0xa0) && letters(&part[4..])
    };
    letters(parts.next().unwrap_or_default()) && text.contains("\\u") && parts.all(letter)
}

/// `--shm-size=128MB`: words joined by dashes, and what they are set to.
pub(super) fn is_option(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"--").and_then(|rest| rest.split(|&byte| byte == b'=').next()) else { return false };
    name.split(|&byte| byte == b'-').all(|part| part.len() >= 2 && part.iter().all(u8::is_ascii_lowercase))
}

/// `!visiblePass`: not what a variable in camel case says.
pub(super) fn is_negation(text: &str) -> bool {
    let Some(name) = text.strip_prefix('!') else { return false };
    let camel = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().any(|byte| byte.is_ascii_uppercase());
    camel && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'.')
}

/// `*.example.net`, `*.orders.created_v2`
pub(super) fn is_wildcard(text: &str) -> bool {
    let host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    text.strip_prefix("*.").is_some_and(|name| name.contains('.') && name.bytes().all(host))
}

/// `orders.{0}.{1}`: numbered places for values, between dots.
pub(super) fn is_format(text: &str) -> bool {
    let slot =
        |part: &str| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')).is_some_and(|number| number.parse::<u8>().is_ok());
    text.split('.').count() >= 2 && text.split('.').any(slot)
}

/// `^[-]{0,2}pass(word|wd)?`, `[_a-zA-Z][_a-zA-Z0-9]*`: a regular expression.
pub(super) fn is_expression(text: &str) -> bool {
    text.contains(['[', '(', '*', '{']) && EXPRESSION_MARKS.iter().any(|mark| text.contains(mark))
}

pub(super) const EXPRESSION_MARKS: [&str; 12] = ["(?:", "(?i", "[^", "[-]", "a-z", "A-Z", "[0-9", "\\d", "\\w", "\\s", ".*", "{0,"];

/// `data-name`, `style:family`, `formControlName`, also behind the comma after another one.
pub(super) fn is_attribute(name: &[u8]) -> bool {
    let bare = name.trim_ascii_start().strip_prefix(b",").unwrap_or(name).trim_ascii_start();
    let identifier = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b':');
    bare.iter().all(identifier) && (!bare.iter().any(u8::is_ascii_uppercase) || bare.len() < name.len() || randomness::reads_as_words(bare))
}

/// `/login?mechanism=oauth2`: a path and a query.
pub(super) fn is_query(value: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'?', value).filter(|_| value.starts_with(b"/")) else { return false };
    let path = value[..at].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.'));
    let name = value[at + 1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')).count();
    path && name > 0 && value.get(at + 1 + name) == Some(&b'=')
}

/// `c,a,q[{url}]`: what follows `pass:` in AsciiDoc.
pub(super) fn is_macro(value: &[u8]) -> bool {
    let letters = value.iter().take_while(|byte| byte.is_ascii_lowercase() || **byte == b',').count();
    let alone = value[..letters].split(|&byte| byte == b',').all(|part| part.len() == 1);
    letters > 0 && alone && value.get(letters) == Some(&b'[')
}

/// `*pkg.New(s),`: a call whose outcome is taken apart.
pub(super) fn is_call_behind_pointer(value: &[u8]) -> bool {
    let Some(rest) = value.strip_prefix(b"*").or(value.strip_prefix(b"&")) else { return false };
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')).count();
    name > 2 && rest[..name].contains(&b'.') && rest.get(name) == Some(&b'(')
}

/// `details[0]/identity`, `users[1].name`: an element and what lies below it.
pub(super) fn is_element(text: &str) -> bool {
    let identifier = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'));
    let Some((list, rest)) = text.split_once('[') else { return false };
    let Some((number, below)) = rest.split_once(']') else { return false };
    identifier(list) && number.bytes().all(|byte| byte.is_ascii_digit()) && below.strip_prefix(['/', '.']).is_some_and(identifier)
}

/// `credentials#update_password`: a controller and its action.
pub(super) fn is_action(text: &str) -> bool {
    let identifier = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'/'));
    // `Api\UserController@changePassword`
    let method = text.split_once("Controller@").is_some_and(|(class, method)| {
        class.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'\\') && method.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    method || text.contains('_') && text.split_once('#').is_some_and(|(controller, action)| identifier(controller) && identifier(action))
}

/// `owner/repository/folder@v2`, or at the hash of a commit, as workflows name what they use.
pub(super) fn is_action_reference(text: &str) -> bool {
    let Some((path, version)) = text.split_once('@') else { return false };
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let tag = version.strip_prefix('v').is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let commit = version.len() == 40 && version.bytes().all(|byte| byte.is_ascii_hexdigit());
    (tag || commit) && path.contains('/') && path.split('/').all(|part| !part.is_empty() && part.bytes().all(name))
}

/// `shop-credentials-a15c1b308a`: the name of a Secret with the hash of what it holds.
pub(super) fn is_hashed_name(text: &str) -> bool {
    let Some((name, hash)) = text.rsplit_once('-') else { return false };
    let hash = (8..=10).contains(&hash.len()) && hash.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let word = |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    hash && name.split('-').all(word) && name.split('-').any(|part| VALUE_NAMES.has(part)) && name.contains('-')
}

/// `localhost:3306/test`: a host, its port and a path.
pub(super) fn is_address(text: &str) -> bool {
    let Some((host, rest)) = text.split_once(':') else { return false };
    let (port, path) = rest.split_once('/').map_or((rest, false), |(port, _)| (port, true));
    let digits = (2..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    digits && (host == "localhost" || path && name && host.len() > 1)
}

/// `required|string|min:16`: rules for a field of a form.
pub(super) fn is_rule_list(text: &str) -> bool {
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let rule = |part: &str| word(part.split_once(':').map_or(part, |(name, _)| name));
    // `confirmed|`, to which code adds the next.
    text.contains('|') && text.strip_suffix('|').unwrap_or(text).split('|').all(rule)
}

/// `secret_name1=secret_uri1`, `secret_name=`
pub(super) fn is_pair_of_names(value: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'=', value) else { return false };
    let (name, rest) = (&value[..at], &value[at + 1..]);
    let identifier = |text: &[u8]| text.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_');
    name.contains(&b'_') && identifier(name) && identifier(rest) && (rest.is_empty() || rest.contains(&b'_'))
}

/// `github.com/owner/name`, `k8s.io/api/v1.Secret`, `unix:/run/x`: an address and a path.
pub(super) fn starts_with_host(text: &str) -> bool {
    let Some((host, path)) = text.split_once('/') else { return false };
    let hostlike =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':'));
    (host.contains('.') || host.ends_with(':'))
        && hostlike(host)
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/' | b'@' | b':'))
}

/// `#9809ff`, also with transparency, as style sheets have it.
pub(super) fn is_colour(text: &str) -> bool {
    let digits = text.trim_end_matches(';').strip_prefix('#');
    digits.is_some_and(|digits| matches!(digits.len(), 3 | 4 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// `rule:admin_or_owner`, `role:reader`: names of rules, as policies refer to them; `security/`.
pub(super) fn is_policy(text: &str) -> bool {
    let name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'));
    let named = ["rule:", "role:"].iter().find_map(|kind| text.strip_prefix(kind));
    named.or(text.strip_suffix('/')).is_some_and(name)
}

/// `team/prod/db`, `routes/main`: several short parts in lower case, as stores of secrets name what they hold.
pub(super) fn is_segmented(text: &str) -> bool {
    let part = |part: &str| {
        let fits = part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.'));
        fits && (1..=32).contains(&part.len()) && part.bytes().filter(u8::is_ascii_digit).count() <= 3
    };
    let word = |part: &str| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    // `secret/ci/product-release-'"$NAME"`: the rest follows.
    let text = text.split(['\'', '"']).next().unwrap_or(text);
    text.split('/').count() > 2 && text.split('/').all(part) || text.split('/').count() == 2 && text.split('/').all(word)
}

/// `version=1.0`, `length=32`: a name in lower case and a measure; `spring.datasource.driver-class-name=org.h2.Driver`.
pub(super) fn is_setting(text: &str) -> bool {
    let setting = text.split_once('=');
    let property = |name: &str| name.split('.').count() > 2 && name.bytes().all(|byte| byte.is_ascii_lowercase() || b"._-".contains(&byte));
    setting.is_some_and(|(name, value)| {
        property(name) && is_dotted_path(&value.to_ascii_lowercase().replace(|c: char| c.is_ascii_digit(), ""))
            || !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                && (value.contains('.') && is_measure(value.as_bytes()) || is_count(value))
    })
}

fn is_count(value: &str) -> bool {
    (1..=4).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// `IFNULL(@dbPassword`: a call that was cut at its first argument.
pub(super) fn is_cut_call(text: &str) -> bool {
    let Some((name, argument)) = text.split_once('(') else { return false };
    let identifier = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.'));
    let starts_word = |pair: &[u8]| pair[0].is_ascii_uppercase() && pair[1].is_ascii_lowercase();
    // `OAuth2AccessToken(type`
    let type_name = || {
        name.len() >= 8
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
            && name.as_bytes().windows(2).filter(|pair| starts_word(pair)).count() >= 2
    };
    // `base64(HMAC-SHA1(SECRET`
    let nested = || argument.split_once('(').is_some_and(|(call, rest)| identifier(&call.replace(['-', '1', '2'], "")) && identifier(rest));
    if !argument.contains(')') && name.len() >= 3 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) && nested()
    {
        return true;
    }
    // `jsondecode(data.state.outputs.key)`
    let path = || {
        argument.trim_end_matches(')').split('.').count() > 2
            && argument.trim_end_matches(')').split('.').all(|part| !part.is_empty() && identifier(part))
    };
    if name.len() >= 3 && identifier(name) && path() {
        return true;
    }
    name.len() >= 3
        && (identifier(name) || type_name())
        && !argument.is_empty()
        && identifier(argument.trim_start_matches(['@', '$', '&', '\'', '"']))
}

/// `TokenUtil.create(10001,`: a method's call that was cut at its first argument.
pub(super) fn is_cut_method(text: &str) -> bool {
    let Some((path, argument)) = text.split_once('(') else { return false };
    let identifier = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    // `Base64.encode(auth.getBytes(Charset`
    let argument = argument
        .split_once('(')
        .filter(|(call, _)| call.contains('.') && call.split('.').all(identifier))
        .map_or(argument, |(_, rest)| rest);
    path.contains('.')
        && path.split('.').all(identifier)
        && path.rsplit('.').next().is_some_and(|method| method.len() > 2)
        && argument.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b',' | b'"' | b'\''))
}

/// `config.database.password`, `auth.cptm8.net`, `tool.cli.keys:main`: words joined by dots, no
/// digits-and-letters mix, with a function of that module.
pub(super) fn is_dotted_path(text: &str) -> bool {
    let path = text.split_once(':').filter(|(_, function)| function.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
    let text = path.map_or(text, |(path, _)| path);
    let parts: Vec<&str> = text.split('.').collect();
    let wordlike = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
            && part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && !part.bytes().any(|byte| byte.is_ascii_digit())
    };
    let index = |part: &str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_digit());
    // `Shop.default_strategies`
    let of_module = || {
        matches!(parts.as_slice(), [module, name] if name.contains('_') && wordlike(&name.trim_end_matches(')'))
            && module.starts_with(|c: char| c.is_ascii_uppercase()) && module.bytes().all(|byte| byte.is_ascii_alphabetic()))
    };
    // `support.function.C99.c`
    let scope = || {
        let word = |part: &&&str| part.len() >= 4 && part.bytes().all(|byte| byte.is_ascii_lowercase());
        parts.len() >= 4
            && parts.iter().take(2).filter(word).count() == 2
            && parts
                .iter()
                .all(|part| part.len() <= 16 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
            && parts.iter().skip(2).all(|part| part.len() <= 5)
    };
    of_module()
        || scope()
        || parts.len() >= 2 && wordlike(&parts[0]) && parts.iter().all(|part| wordlike(part) || parts.len() >= 3 && index(part))
}

/// `OAuth2\Storage\AccessToken`, a class of PHP: names that begin with capitals between backslashes.
pub(super) fn is_namespace(text: &str) -> bool {
    let is_name = |part: &str| {
        let word = part.trim_end_matches(|c: char| c.is_ascii_digit() || c == ';');
        word.len() > 1 && word.starts_with(|c: char| c.is_ascii_uppercase()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let text = text.strip_prefix('\\').unwrap_or(text);
    text.contains('\\') && text.split('\\').filter(|part| !part.is_empty()).all(is_name)
}

/// `six==1.16.0`
pub(super) fn is_pinned_version(text: &str) -> bool {
    let Some((name, version)) = text.split_once("==") else { return false };
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.[]".contains(&byte);
    !name.is_empty() && name.bytes().all(letter) && version.starts_with(|c: char| c.is_ascii_digit()) && version.contains('.')
}

/// `application/vnd.example+json`
pub(super) fn is_media_type(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    text.split_once('/').is_some_and(|(kind, part)| MEDIA_KINDS.has(kind) && !part.is_empty() && part.bytes().all(is_part))
}

/// `name(…)`, `name[…]`.
pub(super) fn is_call(text: &str) -> bool {
    let opens = text.find(['(', '[']);
    opens.is_some_and(|at| {
        at > 0
            && text.ends_with([')', ']'])
            && text[..at].bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'$'))
    })
}
