# make's own tests.
cp -r "$PROGRAMS/make/tests" tests
cd tests || exit
exec perl run_make_tests.pl -srcdir "$PROGRAMS/make" -make /usr/bin/make
