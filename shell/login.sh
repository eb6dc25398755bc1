# A login shell reads this file instead of .bashrc, where falenv and the user's own settings are.
# shellcheck shell=sh disable=SC1090
if [ -r ~/.bashrc ]; then
    . ~/.bashrc
fi
