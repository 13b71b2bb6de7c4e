#!/bin/sh
# Tests the tarballs in dist/ on this platform, without Rust: the smoke test in an empty project
# in which they are installed, and Jest's tests with the binary that is in them.
#
#   sh .github/test-platform.sh PLATFORM [WITHOUT]
#
# PLATFORM  as its package is called, linux-x64-gnu
# WITHOUT   a pattern of specs to leave out
set -eu
platform=$1
without=${2-}
clone=$PWD

project=$(mktemp -d)
cp dist/vectorizer-native-[0-9]*.tgz "$project/main.tgz"
cp dist/vectorizer-native-"$platform"-[0-9]*.tgz "$project/platform.tgz"
cp tests/package/smoke.mjs "$project"
cd "$project"
echo '{ "private": true }' >package.json
npm install --offline --no-audit --no-fund ./main.tgz ./platform.tgz
node --expose-gc smoke.mjs
npx --no-install vectorizer-native --version

cd "$clone"
cp "$project/node_modules/vectorizer-native-$platform"/*.node .
npm ci
node node_modules/jest/bin/jest.js ${without:+--testPathIgnorePatterns "$without"}
