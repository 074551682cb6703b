//! Archives and compressed files, in each form that is read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sopup::archive::{Form, each_member, path_inside};

fuzz_target!(|bytes: &[u8]| {
    let Some(form) = Form::of(bytes) else { return };
    let mut all = 0;
    let _ = each_member(bytes, form, &mut |path, member| {
        all += member.len();
        assert!(path_inside("a", path).starts_with('a'));
    });
    assert!(all < 1 << 30, "the budget of one archive holds");
});
