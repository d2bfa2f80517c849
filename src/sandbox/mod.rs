//! A local stand-in for PagerDuty with a page to look at.
