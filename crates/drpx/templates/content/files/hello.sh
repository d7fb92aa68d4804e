#!/usr/bin/env bash
# Runs on machines: says the message it is given.
echo "$1 from $(hostname)"
