//! YAML of content, as authors and servers have it.

use drp_content::{Bundle, read_yaml, write_yaml};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Bundle::from_yaml(text);
    let Ok(document) = read_yaml(text) else { return };
    let value = document.into_value();
    let written = write_yaml(&value).expect("what was read is written");
    let again = read_yaml(&written).expect("what was written is read");
    assert_eq!(again.into_value(), value, "{written}");
}
