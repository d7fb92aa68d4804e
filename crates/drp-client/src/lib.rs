//! drp-client
