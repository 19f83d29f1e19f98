# Perl's own tests, with the perl and the modules that are installed.
cp -r "$PROGRAMS/perl/t" "$PROGRAMS/perl/TestInit.pm" .
mkdir lib
for from in /usr/share/perl/5.36 /usr/lib/*/perl/5.36 /usr/lib/*/perl-base; do
	cp -rs --remove-destination "$(realpath "$from")/." lib
done
cd t || exit
ln -s /usr/bin/perl perl
# Those of regular expressions are long, and see to nothing but memory.
exec ./perl ./TEST base/*.t cmd/*.t comp/*.t io/*.t op/[!ptuv]*.t
