//! The names of Regions in the words of CloudWatch's notifications, such as `EU (Ireland)`.

/// Names and codes (General Reference, "Service endpoints"; SNS messages of CloudWatch alarms).
const NAMES: [(&str, &str); 37] = [
    ("US East (N. Virginia)", "us-east-1"),
    ("US East (Ohio)", "us-east-2"),
    ("US West (N. California)", "us-west-1"),
    ("US West (Oregon)", "us-west-2"),
    ("Africa (Cape Town)", "af-south-1"),
    ("Asia Pacific (Hong Kong)", "ap-east-1"),
    ("Asia Pacific (Taipei)", "ap-east-2"),
    ("Asia Pacific (Hyderabad)", "ap-south-2"),
    ("Asia Pacific (Mumbai)", "ap-south-1"),
    ("Asia Pacific (Jakarta)", "ap-southeast-3"),
    ("Asia Pacific (Melbourne)", "ap-southeast-4"),
    ("Asia Pacific (Malaysia)", "ap-southeast-5"),
    ("Asia Pacific (New Zealand)", "ap-southeast-6"),
    ("Asia Pacific (Thailand)", "ap-southeast-7"),
    ("Asia Pacific (Singapore)", "ap-southeast-1"),
    ("Asia Pacific (Sydney)", "ap-southeast-2"),
    ("Asia Pacific (Tokyo)", "ap-northeast-1"),
    ("Asia Pacific (Seoul)", "ap-northeast-2"),
    ("Asia Pacific (Osaka)", "ap-northeast-3"),
    ("Asia Pacific (Osaka-Local)", "ap-northeast-3"),
    ("Canada (Central)", "ca-central-1"),
    ("Canada West (Calgary)", "ca-west-1"),
    ("Europe (Frankfurt)", "eu-central-1"),
    ("Europe (Zurich)", "eu-central-2"),
    ("Europe (Ireland)", "eu-west-1"),
    ("Europe (London)", "eu-west-2"),
    ("Europe (Paris)", "eu-west-3"),
    ("Europe (Milan)", "eu-south-1"),
    ("Europe (Spain)", "eu-south-2"),
    ("Europe (Stockholm)", "eu-north-1"),
    ("Israel (Tel Aviv)", "il-central-1"),
    ("Mexico (Central)", "mx-central-1"),
    ("Middle East (Bahrain)", "me-south-1"),
    ("Middle East (UAE)", "me-central-1"),
    ("South America (Sao Paulo)", "sa-east-1"),
    ("China (Beijing)", "cn-north-1"),
    ("China (Ningxia)", "cn-northwest-1"),
];

/// The code of a Region by its name. Europe's Regions are also called `EU (…)`.
pub(crate) fn region_named(name: &str) -> Option<&'static str> {
    let place = |name: &str| name.split_once('(').map(|(_, place)| place.to_ascii_lowercase());
    let european = |name: &str| name.starts_with("EU (") || name.starts_with("Europe (");
    let (_, code) = NAMES.iter().find(|(known, _)| {
        known.eq_ignore_ascii_case(name)
            || (european(name) && european(known) && place(known) == place(name))
    })?;
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_names() {
        assert_eq!(region_named("EU (Ireland)"), Some("eu-west-1"));
        assert_eq!(region_named("Europe (Ireland)"), Some("eu-west-1"));
        assert_eq!(region_named("Asia Pacific (Tokyo)"), Some("ap-northeast-1"));
        assert_eq!(region_named("Mars (Base)"), None);
    }
}
