//! Event selectors, as they come from websocket clients and providers.

use drp_core::Selector;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(selector) = text.parse::<Selector>() else { return };
    assert_eq!(selector.as_str(), text);
    assert_eq!(selector.to_string().parse::<Selector>().as_ref(), Ok(&selector));
    let _ = selector.matches_parts("machines", "update", text);
}
