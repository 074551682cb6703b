//! Values that stand plain where the selector says encrypted: somebody wrote them without sops.

use super::{CryptError, Fault, Pass, Place, walk};
use crate::sops::cipher::Envelope;
use crate::sops::mac::Protection;
use crate::sops::selector::Selector;
use crate::sops::tree::{Comment, Scalar, Tree};

/// What is done with such a value, given its keys.
pub type OnStray<'a> = dyn FnMut(&[String], &mut Scalar) -> Result<(), Fault> + 'a;

struct Visiting<'a, 'b>(&'a mut OnStray<'b>);

impl Pass for Visiting<'_, '_> {
    fn value(&mut self, value: &mut Scalar, place: &Place<'_>) -> Result<(), Fault> {
        if place.protection == Protection::Plain || value.to_bytes().is_empty() {
            return Ok(());
        }
        if let Scalar::Text(text) = &*value
            && let Some(text) = text.as_str().filter(|text| Envelope::looks_like(text))
        {
            return Ok(Envelope::parse(text).map(drop)?);
        }
        if place.inside_alias {
            return Err(Fault::Alias);
        }
        (self.0)(place.path, value)
    }

    fn comment(&mut self, _: &mut Comment, _: &Place<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// Shows every such value of an encrypted tree, in its order.
///
/// # Errors
/// What `each` returns, a damaged ciphertext, or an alias of such a value.
pub fn each_stray(tree: &mut Tree, selector: &Selector, each: &mut OnStray<'_>) -> Result<(), CryptError> {
    walk(tree, selector, &mut Visiting(each))
}
