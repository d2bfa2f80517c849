#!/usr/bin/env bash
# Publishes the zips that scripts/build.sh built. In every Region it creates a bucket and uploads the code
# and a template that refers to it (scripts/render-template.py). Then it prints links to install it, and
# writes them to dist/launch.html.
#
#   scripts/publish.sh --prefix NAME [--version VERSION] [--regions "eu-west-1 us-east-1"]
#                      [--organization o-a1b2c3d4e5]
#
#   --prefix        the buckets are named NAME-<Region>
#   --version       folder in the bucket; default: the crate's version
#   --regions       default: all Regions that are enabled in the account
#   --organization  only accounts of this AWS organisation can read; default: everybody
#
# You can run it again. If a Region fails, the others continue; it is named at the end, with exit code 1.
# Credentials and endpoints come from the AWS CLI's own settings. PAGETRAIL_DIST=FOLDER publishes the
# zips in that folder instead of dist/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    echo "publish.sh: $1" >&2
    exit "${2:-1}"
}

prefix='' version='' regions='' organization=''
while (($#)); do
    case $1 in
    -h | --help)
        sed -n '2,/^set /s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    --prefix | --version | --regions | --organization)
        (($# > 1)) || fail "$1 needs a value" 2
        declare "${1#--}=$2"
        shift 2
        ;;
    *) fail "unknown argument '$1'; see scripts/publish.sh --help" 2 ;;
    esac
done
[[ -n $prefix ]] || fail "--prefix is missing: choose a name for the buckets, such as --prefix acme-pagetrail" 2
[[ $prefix =~ ^[a-z0-9][a-z0-9-]{1,46}$ ]] ||
    fail "--prefix '$prefix' must be 2 to 47 lower-case letters, digits and hyphens" 2
[[ -z $organization || $organization =~ ^o-[a-z0-9]{10,32}$ ]] ||
    fail "--organization '$organization' must look like o-a1b2c3d4e5" 2
[[ -n $version ]] || version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
[[ $version =~ ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$ ]] ||
    fail "--version '$version' must be up to 64 letters, digits, dots, hyphens and underscores" 2

command -v aws >/dev/null || fail "the AWS CLI is missing; add it with: pip install awscli"
command -v python3 >/dev/null || fail "Python 3 is missing (as python3)"

dist=${PAGETRAIL_DIST:-dist}
zips=() default_architecture=arm64
for architecture in arm64 x86_64; do
    zip=$dist/pagetrail-lambda-$architecture.zip
    if [[ -f $zip ]]; then
        (cd "$dist" && sha256sum --quiet --check "${zip##*/}.sha256") ||
            fail "$zip has changed since it was built; run scripts/build.sh again"
        zips+=("$zip")
    elif [[ $architecture == arm64 ]]; then
        default_architecture=x86_64
    fi
done
((${#zips[@]})) || fail "$dist/ has no code to publish; run scripts/build.sh first"
if ((${#zips[@]} < 2)); then
    echo "publish.sh: only ${zips[0]} exists; its architecture becomes the template's default" >&2
fi

# Any Region of the partition can answer which account this is and which Regions exist.
home=${AWS_REGION:-${AWS_DEFAULT_REGION:-${regions%% *}}}
home=${home:-us-east-1}
identity=$(aws sts get-caller-identity --region "$home" --query '[Account, Arn]' --output text) ||
    fail "AWS accepted no credentials (in $home); sign in, for example with: aws sso login. Outside the aws partition also set AWS_REGION"
read -r account arn <<<"$identity"
partition=$(cut -d: -f2 <<<"$arn")
case $partition in
aws | aws-us-gov) domain=amazonaws.com ;;
aws-cn) domain=amazonaws.com.cn ;;
aws-eusc) domain=amazonaws.eu ;;
*) fail "partition $partition is not supported; use aws, aws-cn, aws-us-gov or aws-eusc" ;;
esac
if [[ -z $regions ]]; then
    regions=$(aws ec2 describe-regions --region "$home" --query 'sort(Regions[].RegionName)' --output text) ||
        fail "the list of Regions could not be read (ec2:DescribeRegions); give them with --regions"
fi

# The same command makes the links that a user would make.
if [[ -z ${PAGETRAIL_BIN:-} ]]; then
    cargo build --quiet --locked --bin pagetrail
    PAGETRAIL_BIN=${CARGO_TARGET_DIR:-target}/debug/pagetrail
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
scripts/render-template.py --prefix "$prefix" --version "$version" \
    --architecture "$default_architecture" >"$work/template.yaml" || exit 1

# Runs one step of a Region, and prints its output only if it fails.
step() {
    local what=$1 out
    shift
    if ! out=$("$@" 2>&1); then
        printf 'publish.sh: %s: %s failed: %s\n' "$region" "$what" "$out" >&2
        return 1
    fi
}

# Checks that the bucket belongs to this account or does not exist yet.
check_bucket() {
    local probe status
    status=$(aws cloudformation describe-stacks --region "$region" --stack-name "$stack" \
        --query 'Stacks[0].StackStatus' --output text 2>/dev/null) || status=none
    if probe=$(aws s3api head-bucket --region "$region" --bucket "$bucket" \
        --expected-bucket-owner "$account" 2>&1); then
        if [[ $status == none ]]; then
            echo "publish.sh: $region: your account has the bucket $bucket, but not the stack $stack that manages it; import it into one, delete it, or choose another --prefix" >&2
            return 1
        fi
        return 0
    fi
    case $probe in
    *404* | *"Not Found"*) ;;
    *403* | *Forbidden* | *301*)
        echo "publish.sh: $region: the bucket name $bucket belongs to another account, or you cannot read it; choose another --prefix" >&2
        return 1
        ;;
    *)
        echo "publish.sh: $region: the bucket $bucket could not be looked up: $probe" >&2
        return 1
        ;;
    esac
    # A stack whose creation failed cannot be updated.
    if [[ $status == ROLLBACK_COMPLETE ]]; then
        step "the removal of the failed stack $stack" \
            aws cloudformation delete-stack --region "$region" --stack-name "$stack" &&
            step "the removal of the failed stack $stack" \
                aws cloudformation wait stack-delete-complete --region "$region" --stack-name "$stack"
    fi
}

# Checks that this version is not published with other code. Stacks that have it would get an
# unchanged template, and CloudFormation would keep their old code.
check_version() {
    local zip published
    aws s3api head-object --region "$region" --bucket "$bucket" --key "$version/template.yaml" \
        >/dev/null 2>&1 || return 0
    for zip in "${zips[@]}"; do
        published=$(aws s3 cp --region "$region" --only-show-errors \
            "s3://$bucket/$version/${zip##*/}.sha256" - 2>/dev/null) || continue
        if [[ $published != "$(<"$zip.sha256")" ]]; then
            echo "publish.sh: $region: version $version is already published with other code; choose another name with --version" >&2
            return 1
        fi
    done
}

# Publishes in $region. Every step ends in `|| return 1`, because set -e is off inside an `if`.
publish() {
    local bucket=$prefix-$region stack=$prefix-artifacts zip
    check_bucket || return 1
    step "the bucket's stack $stack" \
        aws cloudformation deploy --region "$region" --stack-name "$stack" \
        --template-file infra/artifact-bucket.yaml --no-fail-on-empty-changeset \
        --parameter-overrides "bucketPrefix=$prefix" "organizationId=$organization" || {
        aws cloudformation describe-stack-events --region "$region" --stack-name "$stack" --output text \
            --query "StackEvents[?ends_with(ResourceStatus,'_FAILED')].ResourceStatusReason" >&2
        return 1
    }
    check_version || return 1
    for zip in "${zips[@]}"; do
        step "the upload of ${zip##*/}" aws s3 cp --region "$region" --only-show-errors \
            "$zip" "s3://$bucket/$version/${zip##*/}" || return 1
        step "the upload of ${zip##*/}.sha256" aws s3 cp --region "$region" --only-show-errors \
            "$zip.sha256" "s3://$bucket/$version/${zip##*/}.sha256" || return 1
    done
    # Last, so that a template never refers to code that is not uploaded yet.
    step "the upload of the template" aws s3 cp --region "$region" --only-show-errors \
        --content-type text/yaml "$work/template.yaml" "s3://$bucket/$version/template.yaml"
}

done_regions=() failed_regions=()
for region in $regions; do
    if publish; then
        done_regions+=("$region")
        echo "$region: https://$prefix-$region.s3.$region.$domain/$version/template.yaml"
    else
        failed_regions+=("$region")
    fi
done

if ((${#done_regions[@]})); then
    echo
    echo "Install version $version with one of these links:"
    {
        cat <<HTML
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Install Pagetrail $version</title>
<style>body { font: 16px/1.6 system-ui, sans-serif; max-width: 40rem; margin: 2rem auto; padding: 0 1rem } li { padding: .2rem 0 }</style>
<h1>Install Pagetrail $version</h1>
<p>Choose the Region your alarms are in. The AWS console opens with everything filled in except
the topic that your alarms notify and the PagerDuty integration key.</p>
<ul>
HTML
    } >"$work/launch.html"
    for region in "${done_regions[@]}"; do
        link=$("$PAGETRAIL_BIN" link --region "$region" --prefix "$prefix" --version "$version")
        echo "  $link"
        echo "<li><a href=\"${link//&/&amp;}\">$region</a></li>" >>"$work/launch.html"
    done
    echo "</ul>" >>"$work/launch.html"
    mv "$work/launch.html" "$dist/launch.html"
    echo "The same links as a web page: $dist/launch.html"
fi
((${#failed_regions[@]} == 0)) || fail "not published in: ${failed_regions[*]}"
