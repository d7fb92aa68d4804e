//! Filters of lists, as people write them for `drpcli` and `drpx`.

use drp_client::{Query, Request};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(query) = Query::parse(text.lines()) else { return };
    if let Ok(request) = Request::list("machines") {
        let request = request.with(&query).to_string();
        assert!(!request.contains(['\n', '\r']), "{request:?} breaks a request's first line");
    }
}
