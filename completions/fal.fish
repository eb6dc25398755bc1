complete -c fal -n __fish_use_subcommand -a profile
