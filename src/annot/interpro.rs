//! Matches of InterPro: what InterProScan writes, and protein2ipr.

pub(crate) mod interproscan;
pub(crate) mod interproscan_json;
pub(crate) mod interproscan_xml;
pub(crate) mod protein2ipr;
