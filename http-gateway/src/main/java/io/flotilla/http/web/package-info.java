/** The page by which people work with their files: what a browser loads of it. What it does it does by the APIs that programs use. */
package io.flotilla.http.web;
