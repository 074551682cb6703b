//! Regular expressions as Go's `regexp` reads them, written as the `regex` crate reads them.
//!
//! The whole syntax is parsed here, so that what one of the two takes otherwise never reaches the compiler: a value left
//! plain, or encrypted where sops would not, would be the result. Source: the documentation and the error messages of Go's
//! `regexp/syntax` with its flags `Perl`; what the tests list was measured on sops 3.11.

use std::collections::HashSet;

use super::classes::{known_class, posix_class};

/// Go takes no repetition above this, nested ones multiplied.
const MOST_REPEATS: u64 = 1000;

/// Translates an expression.
///
/// # Errors
/// What is wrong with it in Go.
pub(super) fn translate(source: &str) -> Result<String, &'static str> {
    let mut go = Go { rest: source, out: String::new(), names: HashSet::new() };
    go.alternatives(0)?;
    if go.rest.is_empty() { Ok(go.out) } else { Err("an unexpected `)`") }
}

struct Go<'s> {
    rest: &'s str,
    out: String,
    names: HashSet<&'s str>,
}

/// Nested deeper than this is refused, by the compiler too.
const DEEPEST: usize = 200;

impl<'s> Go<'s> {
    /// Up to the end or a closing parenthesis; returns the product of repetitions inside.
    fn alternatives(&mut self, depth: usize) -> Result<u64, &'static str> {
        if depth > DEEPEST {
            return Err("groups nested too deeply");
        }
        let mut most = 1;
        // The repetitions inside the item before, if there is an item that can be repeated.
        let mut item: Option<u64> = None;
        let mut repeated = false;
        loop {
            let Some(c) = self.peek() else { return Ok(most) };
            let operator = match c {
                ')' => return Ok(most),
                '|' => {
                    self.next();
                    self.out.push('|');
                    (item, repeated) = (None, false);
                    continue;
                }
                '*' | '+' | '?' => {
                    self.next();
                    Some((c.to_string(), 1))
                }
                '{' => self.count()?,
                _ => None,
            };
            match operator {
                Some((spelled, times)) => {
                    let inside = item.ok_or("a repetition of nothing")?;
                    if repeated {
                        return Err("a repetition of a repetition");
                    }
                    let product = if times == 0 { 1 } else { inside.saturating_mul(times) };
                    if product > MOST_REPEATS {
                        return Err("repetitions above 1000");
                    }
                    self.out.push_str(&spelled);
                    if self.rest.starts_with('?') {
                        self.next();
                        self.out.push('?');
                    }
                    (item, repeated, most) = (Some(product), true, most.max(product));
                }
                None => {
                    let inside = self.item(depth)?;
                    // Go would repeat what stands before a group of flags.
                    (item, repeated) = (inside, false);
                    most = most.max(inside.unwrap_or(1));
                }
            }
        }
    }

    /// `{n}`, `{n,}` or `{n,m}` with the most it asks for; any other `{` stands for itself.
    fn count(&mut self) -> Result<Option<(String, u64)>, &'static str> {
        let Some((inner, after)) = self.rest[1..].split_once('}') else { return Ok(None) };
        let (least, most) = inner.split_once(',').map_or((inner, None), |(least, most)| (least, Some(most)));
        // Go takes no leading zeros for a number.
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        if !is_number(least) || most.is_some_and(|most| !most.is_empty() && !is_number(most)) {
            return Ok(None);
        }
        let value = |text: &str| text.parse::<u64>().ok().filter(|number| *number <= MOST_REPEATS).ok_or("repetitions above 1000");
        let least = value(least)?;
        let most = most.filter(|most| !most.is_empty()).map(value).transpose()?;
        if most.is_some_and(|most| most < least) {
            return Err("a repetition whose ends are in the wrong order");
        }
        let spelled = self.rest[..inner.len() + 2].to_owned();
        self.rest = after;
        Ok(Some((spelled, most.unwrap_or(least))))
    }

    /// One item; `None` for flags, which cannot be repeated.
    fn item(&mut self, depth: usize) -> Result<Option<u64>, &'static str> {
        let c = self.next().ok_or("an unexpected end")?;
        match c {
            '(' => return self.group(depth),
            '[' => {
                let class = self.class()?;
                self.out.push_str(&class);
            }
            '\\' => self.escape()?,
            '.' | '^' | '$' => self.out.push(c),
            _ => self.out.push_str(&literal(c)),
        }
        Ok(Some(1))
    }

    fn group(&mut self, depth: usize) -> Result<Option<u64>, &'static str> {
        if let Some(after) = self.rest.strip_prefix("?P<").or_else(|| self.rest.strip_prefix("?<")) {
            let (name, after) = after.split_once('>').ok_or("a group whose name does not end")?;
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            if !is_name {
                return Err("a group that Go has not, such as look-behind, or with a bad name");
            }
            if !self.names.insert(name) {
                return Err("two groups with one name");
            }
            self.rest = after;
        } else if let Some(after) = self.rest.strip_prefix('?') {
            let end = after.find([':', ')']).ok_or("a group of flags that does not end")?;
            let flags = &after[..end];
            let (on, off) = flags.split_once('-').map_or((flags, None), |(on, off)| (on, Some(off)));
            let known = |flags: &str| flags.chars().all(|flag| "imsU".contains(flag));
            if !known(on) || !off.is_none_or(|off| !off.is_empty() && known(off)) {
                return Err("a group that Go has not, such as look-ahead, or a flag other than i, m, s and U");
            }
            let closes = after[end..].starts_with(')');
            self.rest = &after[end + 1..];
            let flags = without_repeats(on, off);
            if closes {
                if !flags.is_empty() {
                    self.out.push_str(&format!("(?{flags})"));
                }
                return Ok(None);
            }
            return self.group_body(&format!("(?{flags}:"), depth);
        }
        self.group_body("(?:", depth)
    }

    fn group_body(&mut self, opening: &str, depth: usize) -> Result<Option<u64>, &'static str> {
        self.out.push_str(opening);
        let inside = self.alternatives(depth + 1)?;
        if self.next() != Some(')') {
            return Err("a group that does not end");
        }
        self.out.push(')');
        Ok(Some(inside))
    }

    /// What follows a backslash outside of a class.
    fn escape(&mut self) -> Result<(), &'static str> {
        match self.peek().ok_or("a backslash at the end")? {
            // Literal text up to `\E`. Its last character is what a repetition behind it repeats, as each is an item.
            'Q' => {
                self.next();
                let (text, after) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
                self.rest = after;
                text.chars().for_each(|c| self.out.push_str(&literal(c)));
                return if text.is_empty() { Err("an empty `\\Q…\\E`") } else { Ok(()) };
            }
            'A' | 'z' => {
                let c = self.next().unwrap_or_default();
                self.out.push_str(&format!("\\{c}"));
            }
            // Word boundaries are those of ASCII.
            c @ ('b' | 'B') => {
                self.next();
                self.out.push_str(&format!("(?-u:\\{c})"));
            }
            _ => {
                if let Some(class) = self.perl_class()? {
                    self.out.push_str(&class);
                } else {
                    let c = self.escaped_character()?;
                    self.out.push_str(&literal(c));
                }
            }
        }
        Ok(())
    }

    /// `\d`, `\pL` and the like, behind the backslash.
    fn perl_class(&mut self) -> Result<Option<String>, &'static str> {
        let class = match self.peek() {
            Some('d') => "[0-9]",
            Some('D') => "[^0-9]",
            Some('s') => "[\\t\\n\\f\\r ]",
            Some('S') => "[^\\t\\n\\f\\r ]",
            Some('w') => "[0-9A-Za-z_]",
            Some('W') => "[^0-9A-Za-z_]",
            Some('p' | 'P') => return self.unicode_class().map(Some),
            _ => return Ok(None),
        };
        self.next();
        Ok(Some(class.to_owned()))
    }

    fn unicode_class(&mut self) -> Result<String, &'static str> {
        let mut negated = self.next() == Some('P');
        let c = self.next().ok_or("an unexpected end")?;
        let mut buffer = [0; 4];
        let name: &str = if c == '{' {
            let (name, after) = self.rest.split_once('}').ok_or("a class name that does not end")?;
            self.rest = after;
            name
        } else {
            c.encode_utf8(&mut buffer)
        };
        let name = match name.strip_prefix('^') {
            Some(name) => {
                negated = !negated;
                name
            }
            None => name,
        };
        let class = known_class(name).ok_or("a class name that Go does not know")?;
        Ok(if negated { format!("[^{class}]") } else { format!("[{class}]") })
    }

    /// A character behind a backslash.
    fn escaped_character(&mut self) -> Result<char, &'static str> {
        const UNKNOWN: &str = "an escape that Go does not know";
        let c = self.next().ok_or("a backslash at the end")?;
        Ok(match c {
            '0'..='7' => {
                // A single digit that is not zero refers back, which Go cannot.
                let more = self.rest.bytes().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
                if c != '0' && more == 0 {
                    return Err("a reference back to a group");
                }
                let digits = format!("{c}{}", &self.rest[..more]);
                self.rest = &self.rest[more..];
                u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32).ok_or(UNKNOWN)?
            }
            'x' => {
                let (digits, after) = match self.rest.strip_prefix('{') {
                    Some(inner) => inner.split_once('}').ok_or(UNKNOWN)?,
                    None => (self.rest.get(..2).ok_or(UNKNOWN)?, &self.rest[2..]),
                };
                let hexadecimal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
                self.rest = after;
                let code = u32::from_str_radix(digits, 16).ok().filter(|_| hexadecimal);
                code.and_then(char::from_u32).ok_or(UNKNOWN)?
            }
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
            _ => return Err(UNKNOWN),
        })
    }

    /// A class behind its `[`. Only `]`, `\`, `-` and `[:` are special in Go.
    fn class(&mut self) -> Result<String, &'static str> {
        let mut class = String::from("[");
        if self.rest.starts_with('^') {
            self.next();
            class.push('^');
        }
        let mut first = true;
        loop {
            match self.peek().ok_or("a class that does not end")? {
                ']' if !first => {
                    self.next();
                    class.push(']');
                    return Ok(class);
                }
                '[' if self.rest.starts_with("[:") && self.rest[2..].contains(":]") => {
                    let end = self.rest[2..].find(":]").map_or(0, |at| at + 4);
                    class.push_str(posix_class(&self.rest[..end]).ok_or("a class name that Go does not know")?);
                    self.rest = &self.rest[end..];
                }
                _ => {
                    let named = if self.rest.starts_with('\\') && self.rest[1..].starts_with(['d', 'D', 's', 'S', 'w', 'W', 'p', 'P']) {
                        self.next();
                        self.perl_class()?
                    } else {
                        None
                    };
                    match named {
                        Some(named) => class.push_str(&named),
                        None => class.push_str(&self.range()?),
                    }
                }
            }
            first = false;
        }
    }

    /// One character of a class or a range of them.
    fn range(&mut self) -> Result<String, &'static str> {
        let low = self.class_character()?;
        let is_range = self.rest.starts_with('-') && self.rest.len() > 1 && !self.rest.starts_with("-]");
        if !is_range {
            return Ok(code(low));
        }
        self.next();
        let high = self.class_character()?;
        if high < low {
            return Err("a range whose ends are in the wrong order");
        }
        Ok(format!("{}-{}", code(low), code(high)))
    }

    fn class_character(&mut self) -> Result<char, &'static str> {
        match self.next().ok_or("a class that does not end")? {
            '\\' => self.escaped_character(),
            c => Ok(c),
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }
}

/// The compiler takes a flag only once.
fn without_repeats(on: &str, off: Option<&str>) -> String {
    let once = |flags: &str| "imsU".chars().filter(|flag| flags.contains(*flag)).collect::<String>();
    let off = off.map(once).unwrap_or_default();
    // What is switched on and off again is off.
    let on: String = once(on).chars().filter(|flag| !off.contains(*flag)).collect();
    if off.is_empty() { on } else { format!("{on}-{off}") }
}

fn literal(c: char) -> String {
    if c.is_ascii_alphanumeric() || !c.is_ascii() { c.to_string() } else { code(c) }
}

fn code(c: char) -> String {
    format!("\\x{{{:x}}}", u32::from(c))
}
